import { statSync } from 'node:fs';
import { type DownloadContext, localPath } from '../download/cached.ts';
import type { Asking } from '../download/fetch-bytes.ts';
import { proxyVariables } from '../run/proxies.ts';
import type { BuildContext } from './context.ts';

/** For the files that steps fetch themselves. */
export function downloadContext(context: BuildContext): DownloadContext {
  const { layout, settings, signal, log } = context;
  return {
    projectRoot: layout.root,
    externalVolumes: settings.externalVolumes,
    directory: context.cacheDirectory('downloads'),
    proxies: proxyVariables({ settings }),
    signal,
    say: text => log.write(`${text}\n`),
  };
}

/** For the small things that executors ask for. */
export function asking(context: BuildContext): Asking {
  const { settings, signal } = context;
  return { proxies: proxyVariables({ settings }), signal };
}

/** Changes when the file of an address `./x` or `/volumes/x` does. */
export function localStamp(context: BuildContext, url: string): string {
  const path = localPath(downloadContext(context), url);
  const stat = path === undefined ? undefined : statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? 'absent' : [stat.size, stat.mtimeNs, stat.ctimeNs, stat.ino].join('-');
}
