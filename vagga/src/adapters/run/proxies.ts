import type { Cache } from '../project/cache.ts';

const PROXIES = ['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy'];

/** The only variables of the caller that builds and runs see without being asked. */
export function proxyVariables(cache: Pick<Cache, 'settings'>): Record<string, string> {
  if (!cache.settings.proxyEnvVars) return {};
  return Object.fromEntries(PROXIES.flatMap(name => (process.env[name] ? [[name, process.env[name]]] : [])));
}
