// What the image itself says about its Ubuntu or Debian: steps that come later, also in children of the container, need it.
import { readdirSync } from 'node:fs';
import { parseSources } from '../../../core/debian/sources.ts';
import { inRoot, textInRoot } from '../in-root.ts';

function textIn(root: string, path: string): string {
  try {
    return textInRoot(root, path);
  } catch {
    return '';
  }
}

/** From /etc/lsb-release, or /etc/os-release where there is none; undefined when neither tells. */
export function codenameOf(root: string): string | undefined {
  const ubuntu = /^DISTRIB_CODENAME="?([a-z0-9-]+)"?$/m.exec(textIn(root, '/etc/lsb-release'))?.[1];
  return ubuntu ?? /^VERSION_CODENAME="?([a-z0-9-]+)"?$/m.exec(textIn(root, '/etc/os-release'))?.[1];
}

/** The mirror of the first line of sources.list, which the bootstrap wrote. */
export function mirrorOf(root: string): string | undefined {
  return parseSources('sources.list', textIn(root, '/etc/apt/sources.list'))[0]?.uri;
}

/** True for an Ubuntu that reads the component main only, as far as its usual files tell. */
export function lacksUniverse(root: string): boolean {
  const directory = '/etc/apt/sources.list.d';
  let names: string[] = [];
  try {
    names = readdirSync(inRoot(root, directory));
  } catch {
    // Then there is only the one file.
  }
  const files = ['/etc/apt/sources.list', ...names.map(name => `${directory}/${name}`)];
  const components = files.flatMap(file =>
    parseSources(file, textIn(root, file)).flatMap(one => one.components),
  );
  return textIn(root, '/etc/lsb-release').includes('DISTRIB_ID=Ubuntu') && !components.includes('universe');
}

/** Throws with a sentence for the user. */
export function releaseOf(root: string): { readonly codename: string; readonly mirror: string } {
  const codename = codenameOf(root);
  const mirror = mirrorOf(root);
  if (codename === undefined)
    throw new Error('neither /etc/lsb-release nor /etc/os-release names a codename');
  if (mirror === undefined) throw new Error('/etc/apt/sources.list names no mirror');
  return { codename, mirror };
}
