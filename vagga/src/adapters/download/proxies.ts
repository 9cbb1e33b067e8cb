// Which proxy a request goes through, by the five lower-case variables of the caller.

export type ProxyVariables = Readonly<Record<string, string>>;

/** `no_proxy`: names and their sub-domains, optionally with a port, or `*`. */
function isExcepted(url: URL, list: string): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list.split(',').some(item => {
    const [name = '', onlyPort] = item
      .trim()
      .toLowerCase()
      .replace(/^\./, '')
      .split(/:(?=\d+$)/);
    if (name === '' || (onlyPort !== undefined && onlyPort !== port)) return false;
    return name === '*' || url.hostname === name || url.hostname.endsWith(`.${name}`);
  });
}

/** Undefined: ask the server itself. Throws for proxies that are not HTTP. */
export function proxyFor(url: URL, variables: ProxyVariables): URL | undefined {
  const text = variables[url.protocol === 'https:' ? 'https_proxy' : 'http_proxy'] ?? variables.all_proxy;
  if (text === undefined || text === '' || isExcepted(url, variables.no_proxy ?? '')) return undefined;
  const proxy = new URL(text.includes('://') ? text : `http://${text}`);
  if (proxy.protocol !== 'http:')
    throw new Error(`proxies of the kind ${proxy.protocol}// are not supported`);
  return proxy;
}

/** The value of `Authorization` and `Proxy-Authorization` for the user in an address. */
export function basicAuth(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
