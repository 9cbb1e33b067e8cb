// `minimum-vagga`: comparing version texts.

/**
 * Version of the format this program follows, with which `minimum-vagga` is compared: that of the development after 0.8.1, so that files
 * which ask for a commit of it (`v0.8.1-30-g…`) are read.
 */
export const COMPATIBLE_VERSION = '0.8.2';

type Component = number | string;

const PRERELEASE = new Set(['a', 'b', 'c', 'rc', 'pre', 'dev', 'dirty']);

/** Numbers end at the first non-digit; a run that starts with a letter takes all letters and digits: `0rc1` is 0, `rc1`. */
function components(version: string): Component[] {
  const found = version.replace(/^v/, '').match(/\d+|[A-Za-z][A-Za-z0-9]*/g) ?? [];
  return found.map(text => (/^\d/.test(text) ? Number(text) : text));
}

function isPrerelease(component: Component, left: boolean): boolean {
  if (typeof component === 'number') return false;
  return (
    PRERELEASE.has(component) ||
    PRERELEASE.has(component.replace(/\d+$/, '')) ||
    (left && component.startsWith('g'))
  );
}

function compareComponents(left: Component, right: Component): number {
  if (typeof left === 'number') return typeof right === 'number' ? left - right : 1;
  if (typeof right === 'number') return -1;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Negative when `left` is the older one. */
export function compareVersions(left: string, right: string): number {
  const a = components(left);
  const b = components(right);
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const x = a[index];
    const y = b[index];
    if (x === undefined && y !== undefined) return isPrerelease(y, false) ? 1 : -1;
    if (y === undefined && x !== undefined) return isPrerelease(x, true) ? -1 : 1;
    const order = compareComponents(x as Component, y as Component);
    if (order !== 0) return order;
  }
  return 0;
}
