// The ways to show layers, the best first.
import { CopyView } from './copied.ts';
import { FuseView } from './fuse.ts';
import { OverlayView } from './overlay.ts';
import type { LayerMode, View } from './view.ts';

const VIEWS: Readonly<Record<LayerMode, new () => View>> = {
  overlay: OverlayView,
  fuse: FuseView,
  copy: CopyView,
};
const MODES = Object.keys(VIEWS) as LayerMode[];

/** `forced`: the only one to try, for tests and for hosts where a better one misbehaves. */
export function usableViews(forced = process.env.VAGGA_LAYERS): readonly View[] {
  const modes = MODES.filter(mode => forced === undefined || forced === mode);
  if (modes.length === 0) throw new Error(`VAGGA_LAYERS is one of ${MODES.join(', ')}`);
  return modes.map(mode => new VIEWS[mode]());
}
