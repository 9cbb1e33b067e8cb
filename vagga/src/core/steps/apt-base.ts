// What makes package scripts behave inside a build, the same for every distribution with apt.
import type { BuildAction } from './state.ts';

/** Services must not start while packages are installed: there is no init in a build. */
const NO_SERVICES = '#!/bin/sh\nexit 101\n';
/** A build that loses power is thrown away anyway, so dpkg need not sync each file. */
const FAST_DPKG = 'force-unsafe-io\n';
const FEWER_PACKAGES = 'APT::Install-Recommends "false";\nAPT::Install-Suggests "false";\n';

const file = (path: string, text: string, mode = 0o644): BuildAction => ({
  kind: 'write-file',
  path,
  text,
  mode,
});

export const APT_BASE: readonly BuildAction[] = [
  file('/usr/sbin/policy-rc.d', NO_SERVICES, 0o755),
  file('/etc/dpkg/dpkg.cfg.d/02apt-speedup', FAST_DPKG),
  file('/etc/apt/apt.conf.d/01norecommend', FEWER_PACKAGES),
];
