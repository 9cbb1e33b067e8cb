// Files in /etc/apt/sources.list.d. Names are derived from the content, as scripts may expect them.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { FieldWriter } from '../../../core/image/fields.ts';
import type { AptSource } from '../../../core/steps/package-actions.ts';
import type { BuildContext } from '../context.ts';
import { fileInRoot, makeDirectories } from '../in-root.ts';
import { releaseOf } from './image-release.ts';
import { ubuntuLines } from './ubuntu.ts';

const DIRECTORY = '/etc/apt/sources.list.d';

function write(root: string, name: string, text: string): void {
  makeDirectories(root, DIRECTORY, 0o755);
  writeFileSync(fileInRoot(root, `${DIRECTORY}/${name}`), text);
}

/** Eight digits of BLAKE2b over the fields, framed as in identities. */
export function sourceFileName(
  url: string | undefined,
  suite: string,
  components: readonly string[],
): string {
  const hash = createHash('blake2b512');
  const out = new FieldWriter({ write: data => void hash.update(data) });
  out.optional('url', url);
  out.field('suite', suite);
  out.list('components', components);
  return `${hash.digest('hex').slice(0, 8)}-${suite.replaceAll('/', '-')}.list`;
}

export function writeAptSource(context: BuildContext, source: AptSource): undefined {
  const release =
    source.url === undefined || source.suite === undefined ? releaseOf(context.root) : undefined;
  const url = source.url ?? release?.mirror;
  const suite = source.suite ?? release?.codename ?? '';
  const trusted = source.trusted ? ' [trusted=yes]' : '';
  const line = `deb${trusted} ${url} ${suite} ${source.components.join(' ')}`;
  write(context.root, sourceFileName(source.url, suite, source.components), line);
}

export function writeUniverse(context: BuildContext): undefined {
  const { mirror, codename } = releaseOf(context.root);
  write(context.root, 'universe.list', `${ubuntuLines(mirror, codename, 'universe').join('\n')}\n`);
}
