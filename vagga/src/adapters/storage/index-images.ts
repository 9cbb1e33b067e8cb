// The settings `index-all-images` and `hard-link-identical-files`, for images that were just built.
import type { Settings } from '../../config/settings-model.ts';
import type { Layout } from '../image/layout.ts';
import { type Linked, shareFiles, writeIndex } from './image-index.ts';
import { sharingCandidates, versionsOf } from './versions-of.ts';

/** How many files they share from now on with older images. */
export function indexImages(layout: Layout, settings: Settings, images: readonly string[]): Linked {
  for (const image of images) writeIndex(image);
  if (!settings.hardLinkIdenticalFiles) return { files: 0, sizeBytes: 0 };
  const versions = versionsOf(layout, settings.hardLinkBetweenProjects);
  const shared = images.map(image => shareFiles(image, sharingCandidates(image, versions)));
  return {
    files: shared.reduce((sum, { files }) => sum + files, 0),
    sizeBytes: shared.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}
