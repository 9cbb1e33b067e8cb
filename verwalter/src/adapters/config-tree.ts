import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decode, printDiagnostics, s } from '@suite/shared/schema/index.ts';
import { parseYaml } from '@suite/shared/yaml/index.ts';
import * as limits from '../config/defaults.ts';
import type { Json } from '../core/scheduler/engine.ts';

interface Found {
  /** Relative, with slashes. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly changedMs: number;
}

interface TreeLimits {
  readonly depth: number;
  readonly files: number;
  readonly fileBytes: number;
}

const RUNTIME_LIMITS: TreeLimits = {
  depth: limits.RUNTIME_DEPTH_MAX,
  files: limits.RUNTIME_FILES_MAX,
  fileBytes: limits.RUNTIME_FILE_BYTES_MAX,
};
const LUA_LIMITS: TreeLimits = {
  depth: limits.RUNTIME_DEPTH_MAX,
  files: limits.LUA_FILES_MAX,
  fileBytes: limits.LUA_FILE_BYTES_MAX,
};

/** Files below `root` whose name `wanted` accepts, sorted by path; symlinks are followed, hidden names and editor backups are not there. */
async function walk(root: string, wanted: RegExp, allowed: TreeLimits): Promise<Found[]> {
  const found: Found[] = [];
  const visit = async (path: string, depth: number): Promise<void> => {
    if (depth > allowed.depth) throw new Error(`${root}/${path}: nested deeper than ${allowed.depth}`);
    for (const name of (await readdir(join(root, path))).sort()) {
      if (/^\.|\.bak$|~$|^#.*#$/.test(name)) continue;
      const inside = path === '' ? name : `${path}/${name}`;
      const info = await stat(join(root, inside)).catch(() => undefined);
      if (info?.isDirectory()) await visit(inside, depth + 1);
      else if (info?.isFile() && wanted.test(name)) {
        found.push({ path: inside, sizeBytes: info.size, changedMs: info.mtimeMs });
        if (found.length > allowed.files) throw new Error(`${root}: more than ${allowed.files} files`);
      }
    }
  };
  try {
    await visit('', 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return found;
}

const LUA = /\.lua$/;
const METADATA = /\.(yaml|yml|json|txt)$/;

/** Changes exactly when a file appears, disappears, or changes its size or time: cheap enough to be asked every second. */
export async function treeSignature(root: string, kind: 'lua' | 'metadata'): Promise<string> {
  const files = await walk(
    root,
    kind === 'lua' ? LUA : METADATA,
    kind === 'lua' ? LUA_LIMITS : RUNTIME_LIMITS,
  );
  const hash = createHash('sha1');
  for (const { path, sizeBytes, changedMs } of files) hash.update(`${path}\0${sizeBytes}\0${changedMs}\n`);
  return hash.digest('hex');
}

/** Sources of the scheduler by path relative to its directory. Throws with the path of the file that is too large or unreadable. */
export async function readLuaFiles(root: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const { path, sizeBytes } of await walk(root, LUA, LUA_LIMITS)) {
    if (sizeBytes > LUA_LIMITS.fileBytes)
      throw new Error(`${join(root, path)}: longer than ${LUA_LIMITS.fileBytes} bytes`);
    files.set(path, await readFile(join(root, path), 'utf8'));
  }
  return files;
}

export interface Runtime {
  readonly tree: Json;
  /** One text per file that was skipped or lost a clash of names. */
  readonly problems: readonly string[];
}

type Branch = { [key: string]: Json };

/**
 * The metadata tree (docs: "Metadata"): every path component without one trailing .yaml/.yml/.json/.txt/.d is a key. Bad files are
 * skipped and reported; paths are taken in sorted order, so a clash of names ends the same way on every node.
 */
export async function readRuntime(root: string): Promise<Runtime> {
  const tree: Branch = Object.create(null) as Branch;
  const problems: string[] = [];
  let totalBytes = 0;
  for (const { path, sizeBytes } of await walk(root, METADATA, RUNTIME_LIMITS)) {
    totalBytes += sizeBytes;
    if (sizeBytes > RUNTIME_LIMITS.fileBytes || totalBytes > limits.RUNTIME_BYTES_MAX) {
      problems.push(`${path}: too large`);
      continue;
    }
    const value = await readValue(join(root, path), path).catch(error => ({ problem: String(error) }));
    if ('problem' in value) problems.push(value.problem);
    else put(tree, path, value.json, problems);
  }
  return { tree, problems };
}

async function readValue(file: string, path: string): Promise<{ json: Json } | { problem: string }> {
  const text = await readFile(file, 'utf8');
  if (path.endsWith('.txt')) return { json: text };
  if (path.endsWith('.json')) {
    try {
      return { json: JSON.parse(text) as Json };
    } catch (error) {
      return { problem: `${path}: ${(error as Error).message}` };
    }
  }
  const parsed = parseYaml(text, { file: path });
  const value = parsed.ok ? decode(s.any(), parsed.value) : parsed;
  if (value.ok) return { json: value.value as Json };
  return { problem: printDiagnostics(value.errors, new Map([[path, text]]), { colour: false }) };
}

function put(tree: Branch, path: string, value: Json, problems: string[]): void {
  const keys = path.split('/').map(component => component.replace(/\.(yaml|yml|json|txt|d)$/, ''));
  const last = keys.pop() as string;
  let branch = tree;
  for (const key of keys) {
    const inner = branch[key];
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) branch = inner as Branch;
    else {
      if (inner !== undefined) problems.push(`${path}: replaces the value of another file at "${key}"`);
      const made = Object.create(null) as Branch;
      branch[key] = made;
      branch = made;
    }
  }
  if (branch[last] !== undefined) problems.push(`${path}: replaces the value of another file at "${last}"`);
  branch[last] = value;
}
