import { statSync } from 'node:fs';
import type { Settings } from '../../config/settings-model.ts';
import { type DownloadContext, localPath } from '../download/cached.ts';
import type { Asking } from '../download/fetch-bytes.ts';
import type { Layout } from '../image/layout.ts';
import { proxyVariables } from '../run/proxies.ts';
import type { BuildContext } from './context.ts';

/** For files that are fetched for a project; `say` gets what is happening, line by line. */
export function downloadsOf(
  layout: Layout,
  settings: Settings,
  signal: AbortSignal,
  say: (text: string) => void,
): DownloadContext {
  return {
    projectRoot: layout.root,
    externalVolumes: settings.externalVolumes,
    directory: layout.cache('downloads'),
    proxies: proxyVariables({ settings }),
    signal,
    say,
  };
}

/** For the files that steps fetch themselves. */
export function downloadContext({ layout, settings, signal, log }: BuildContext): DownloadContext {
  return downloadsOf(layout, settings, signal, text => log.write(`${text}\n`));
}

/** For the small things that executors ask for. */
export function asking(context: BuildContext): Asking {
  const { settings, signal } = context;
  return { proxies: proxyVariables({ settings }), signal };
}

/** Changes when the file of an address `./x` or `/volumes/x` does. */
export function localStamp(place: Pick<BuildContext, 'layout' | 'settings'>, url: string): string {
  const { layout, settings } = place;
  // What is not in the settings is the step's own error.
  const [, volume = ''] = /^\/volumes\/([^/]+)/.exec(url) ?? [];
  if (volume !== '' && settings.externalVolumes[volume] === undefined) return 'absent';
  const path = localPath({ projectRoot: layout.root, externalVolumes: settings.externalVolumes }, url);
  const stat = path === undefined ? undefined : statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? 'absent' : [stat.size, stat.mtimeNs, stat.ctimeNs, stat.ino].join('-');
}
