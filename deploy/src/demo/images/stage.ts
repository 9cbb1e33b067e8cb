// Lays out the vagga project of the demo in `.demo/images`: vagga.yaml and its files, the built suite, Node itself.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { Places } from '../places.ts';
import { DemoError } from '../run.ts';

/** What the sandboxes `cantal` and `verwalter` run; lithos is there for lithos_switch, lithos_ps and lithos_check. */
const PACKAGES = ['lithos', 'cantal', 'verwalter'] as const;

/** Old files go, `.vagga` with the built images stays. */
export function stageProject(places: Places): void {
  mkdirSync(places.temporary, { recursive: true });
  mkdirSync(places.images, { recursive: true });
  for (const name of readdirSync(places.images)) {
    if (name !== '.vagga' && name !== 'node')
      rmSync(join(places.images, name), { recursive: true, force: true });
  }
  cpSync(join(places.data, 'images'), places.images, { recursive: true });
  copy(join(places.root, 'cantal', 'clients', 'cantal.py'), join(places.images, 'clients', 'cantal.py'));
  stageSuite(places);
  stageNode(places);
}

function stageSuite(places: Places): void {
  const suite = join(places.images, 'suite');
  for (const name of PACKAGES) {
    for (const part of ['bin', 'dist']) copy(join(places.root, name, part), join(suite, name, part));
  }
  copy(join(places.root, 'shared', 'bin'), join(suite, 'shared', 'bin'));
  copy(join(places.root, 'ui', 'dist'), join(suite, 'ui', 'dist'));
  copy(join(places.root, 'node_modules', 'koffi'), join(suite, 'node_modules', 'koffi'));
  copy(join(places.root, 'node_modules', '@koromix'), join(suite, 'node_modules', '@koromix'));
}

function copy(from: string, to: string): void {
  if (!existsSync(from)) throw new DemoError(`${from} is missing: run "npm run build" first`);
  cpSync(from, to, { recursive: true, filter: path => !isTest(path) });
}

/** Compiled tests lie in `dist/test`: megabytes nobody runs in the cluster. */
function isTest(path: string): boolean {
  return path.endsWith('/dist/test');
}

/** 100 MB are copied only when it is another Node than last time. */
function stageNode(places: Places): void {
  const target = join(places.images, 'node', 'node');
  const wanted = statSync(process.execPath);
  if (existsSync(target)) {
    const found = statSync(target);
    if (found.size === wanted.size && Math.abs(found.mtimeMs - wanted.mtimeMs) < 1) return;
  }
  mkdirSync(join(places.images, 'node'), { recursive: true });
  cpSync(process.execPath, target);
  utimesSync(target, wanted.atime, wanted.mtime);
}
