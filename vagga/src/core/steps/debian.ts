// `!Debian`: a minimal system from the Debian archive, and what makes package scripts behave inside a build.
import type { BuildAction, BuildState, PlanStep } from './state.ts';
import { done, refuse } from './state.ts';

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

function withDebian(state: BuildState, suite: string): BuildState {
  const env = { DEBIAN_FRONTEND: 'noninteractive', LANG: 'C.UTF-8', ...state.env };
  return { ...state, distribution: { kind: 'debian', suite }, env };
}

export const planDebian: PlanStep = (value, state) => {
  const { suite, components } = value as { suite: string; components: string[] };
  if (state.distribution !== undefined) {
    const { kind, suite: active } = state.distribution;
    return refuse(
      `step initializes distribution "Debian ${suite}" but the "${kind} ${active}" is already initialized`,
    );
  }
  return done(
    withDebian(state, suite),
    { kind: 'bootstrap-debian', suite, components },
    file('/usr/sbin/policy-rc.d', NO_SERVICES, 0o755),
    file('/etc/dpkg/dpkg.cfg.d/02apt-speedup', FAST_DPKG),
    file('/etc/apt/apt.conf.d/01norecommend', FEWER_PACKAGES),
  );
};
