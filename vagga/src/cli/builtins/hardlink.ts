// `_hardlink`: containers share files that are the same.
import { ensureIndex, type Linked, shareFiles } from '../../adapters/storage/image-index.ts';
import { versionsOf } from '../../adapters/storage/versions-of.ts';
import { has } from '../../core/options/parse.ts';
import { flag } from '../../core/options/spec.ts';
import { sizeText } from '../../core/size-text.ts';
import { type Session, say } from '../session.ts';
import { entry } from './registry.ts';

function shareAll(session: Session, isGlobal: boolean): Linked {
  const images = versionsOf(session.layout, isGlobal).map(({ directory }) => directory);
  for (const image of images) ensureIndex(image);
  const linked = images.map((image, index) => shareFiles(image, images.slice(index + 1)));
  return {
    files: linked.reduce((sum, { files }) => sum + files, 0),
    sizeBytes: linked.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

export const hardlink = entry(
  {
    name: 'vagga _hardlink',
    description: 'Let containers share files that are the same',
    options: [flag('global', ['--global'], 'Those of all projects in the storage-dir')],
    positionals: [],
  },
  (session, { given }) => {
    const isGlobal = has(given, 'global');
    if (isGlobal && session.layout.storageDir === undefined)
      return say(124, 'Cannot use --global without the setting storage-dir');
    const { files, sizeBytes } = shareAll(session, isGlobal);
    return say(0, `Found and linked ${files} (${sizeText(sizeBytes)}) identical files`);
  },
);
