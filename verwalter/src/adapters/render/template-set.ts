import { join, posix } from 'node:path';
import type { Disk } from '@suite/shared/ports/index.ts';
import { type Diagnostic, decode } from '@suite/shared/schema/index.ts';
import { strayTags } from '@suite/shared/schema/stray-tags.ts';
import { parseYaml } from '@suite/shared/yaml/index.ts';
import { TEMPLATE_BYTES_MAX, TEMPLATE_DEPTH_MAX, TEMPLATE_FILES_MAX } from '../../config/defaults.ts';
import { type RenderFile, renderFileSchema } from '../../core/render/commands.ts';
import { checkReferences } from '../../core/render/expand.ts';
import { compileTemplates, type Templates } from './handlebars.ts';
import { walk } from './walk.ts';

export interface PlacedRenderFile {
  /** Relative to the set. */
  readonly path: string;
  /** Template name → its path in the set. */
  readonly file: Omit<RenderFile, 'templates'> & { readonly templates: Readonly<Record<string, string>> };
}

export interface TemplateSet {
  readonly templates: Templates;
  /** In order of their paths. */
  readonly renderFiles: readonly PlacedRenderFile[];
}

export type LoadedSet =
  | { readonly ok: true; readonly set: TemplateSet; readonly sources: ReadonlyMap<string, string> }
  | {
      readonly ok: false;
      readonly problems: readonly Diagnostic[];
      readonly sources: ReadonlyMap<string, string>;
    };

const HANDLEBARS = /\.(hbs|handlebars)$/;
const RENDER_FILE = /\.render\.ya?ml$/;
/** Engines of earlier verwalters. */
const UNAVAILABLE = /\.(tera|trm|trimmer)$/;

function problem(code: string, file: string, message: string, line = 1, column = 1): Diagnostic {
  return { code, severity: 'error', message, file, line, column };
}

function notUtf8(path: string, before: string): Diagnostic {
  const lines = before.split('\n');
  return problem('not-utf8', path, 'this is not UTF-8', lines.length, (lines.at(-1) ?? '').length + 1);
}

async function readSources(
  disk: Disk,
  directory: string,
  paths: readonly string[],
  problems: Diagnostic[],
): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  for (const path of paths) {
    if (!HANDLEBARS.test(path) && !RENDER_FILE.test(path)) continue;
    const bytes = await disk.readBytes(join(directory, path), TEMPLATE_BYTES_MAX);
    if (bytes === undefined) continue;
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    // Decoding replaces what it does not know: another encoding would reach the config as question marks.
    const lost = Buffer.from(text).equals(bytes) ? -1 : text.indexOf('\ufffd');
    if (lost >= 0) problems.push(notUtf8(path, text.slice(0, lost)));
    sources.set(path, text);
  }
  return sources;
}

/** Resolves template paths against the render file's own directory and checks that they are there. */
function placeTemplates(
  path: string,
  file: RenderFile,
  known: (path: string) => boolean,
): PlacedRenderFile | Diagnostic[] {
  const problems: Diagnostic[] = [];
  const templates: Record<string, string> = {};
  for (const [name, { value, node }] of Object.entries(file.templates)) {
    const target = posix.normalize(posix.join(posix.dirname(path), value));
    templates[name] = target;
    if (!known(target))
      problems.push({ ...problem('no-template', path, `there is no template ${target}`), ...node });
  }
  return problems.length > 0 ? problems : { path, file: { ...file, templates } };
}

function readRenderFile(
  path: string,
  text: string,
  known: (path: string) => boolean,
): PlacedRenderFile | readonly Diagnostic[] {
  const tree = parseYaml(text, { file: path });
  if (!tree.ok) return tree.errors;
  const file = decode(renderFileSchema, tree.value);
  const stray = strayTags(renderFileSchema, tree.value);
  if (!file.ok) return [...file.errors, ...stray];
  if (stray.length > 0) return stray;
  const references = checkReferences(tree.value, Object.keys(file.value.templates));
  return references.length > 0 ? references : placeTemplates(path, file.value, known);
}

/**
 * Reads and parses everything below `directory`; any mistake in any file fails the whole set, before anything is applied. File names in
 * diagnostics are relative to the set. `log` gets what `{{log}}` says.
 */
export async function loadTemplateSet(
  disk: Disk,
  directory: string,
  log: (line: string) => void,
): Promise<LoadedSet> {
  const limits = { skipHidden: true, maxFiles: TEMPLATE_FILES_MAX, maxDepth: TEMPLATE_DEPTH_MAX };
  const paths = await walk(disk, directory, limits);
  if (paths === undefined) {
    return {
      ok: false,
      problems: [problem('no-set', directory, 'there is no such template directory')],
      sources: new Map(),
    };
  }
  const problems: Diagnostic[] = paths
    .filter(path => UNAVAILABLE.test(path))
    .map(path =>
      problem(
        'not-available',
        path,
        `templates in ${posix.extname(path)} are not available: use Handlebars (.hbs)`,
      ),
    );
  const sources = await readSources(disk, directory, paths, problems);
  const compiled = compileTemplates(new Map([...sources].filter(([path]) => HANDLEBARS.test(path))), log);
  if ('problems' in compiled) problems.push(...compiled.problems);
  const known = (path: string) => HANDLEBARS.test(path) && sources.has(path);
  const renderFiles: PlacedRenderFile[] = [];
  for (const [path, text] of sources) {
    if (!RENDER_FILE.test(path)) continue;
    const read = readRenderFile(path, text, known);
    if ('path' in read) renderFiles.push(read);
    else problems.push(...read);
  }
  if (problems.length > 0 || 'problems' in compiled) return { ok: false, problems, sources };
  if (renderFiles.length === 0) {
    return {
      ok: false,
      problems: [
        problem('no-render-file', directory, 'the set has no *.render.yaml: nothing would be applied'),
      ],
      sources,
    };
  }
  renderFiles.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { ok: true, set: { templates: compiled.templates, renderFiles }, sources };
}
