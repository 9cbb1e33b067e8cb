// The lines of sources.list that make a release of Debian: itself, its updates, its security fixes.

/** These have no updates of their own. */
const ROLLING = ['sid', 'unstable', 'experimental', 'rc-buggy'];
/** Until buster the security archive named its suites otherwise. */
const OLD_SECURITY = ['squeeze', 'wheezy', 'jessie', 'stretch', 'buster', 'oldoldstable'];

const join = (mirror: string, path: string) => `${mirror.replace(/\/+$/, '')}/${path}`;

function securitySuite(suite: string): string {
  return OLD_SECURITY.includes(suite) ? `${suite}/updates` : `${suite}-security`;
}

function lines(main: string, security: string, suite: string, components: readonly string[]): string[] {
  const words = (components.length > 0 ? components : ['main']).join(' ');
  const own = `deb ${main} ${suite} ${words}`;
  if (ROLLING.includes(suite)) return [own];
  return [own, `deb ${main} ${suite}-updates ${words}`, `deb ${security} ${securitySuite(suite)} ${words}`];
}

/** `mirror` ends in `/debian`; security fixes are beside it. */
export function releaseLines(mirror: string, suite: string, components: readonly string[]): string[] {
  return lines(mirror, mirror.replace(/debian\/*$/, 'debian-security'), suite, components);
}

/** As the archive was at `time` (`YYYYMMDDTHHMMSSZ`). */
export function datedLines(
  mirror: string,
  time: string,
  suite: string,
  components: readonly string[],
): string[] {
  return lines(join(mirror, `debian/${time}`), join(mirror, `debian-security/${time}`), suite, components);
}
