// `!CargoInstall`, `!GoInstall`: programs from source into /usr/local/bin. The compilers go at the end of the build.
import { requireFeatures } from '../features.ts';
import { type BuildAction, type BuildState, done, type PlanStep, refuse } from '../state.ts';

function withCaches(
  state: BuildState,
  env: Record<string, string>,
  caches: Record<string, string>,
): BuildState {
  return { ...state, env: { ...env, ...state.env }, caches: { ...caches, ...state.caches } };
}

interface Cargo {
  readonly packages: readonly string[];
  readonly path?: string;
  readonly features: readonly string[];
  readonly locked: boolean;
}

/** `NAME` or `NAME@VERSION`; older cargos know only the option. */
function crate(text: string): readonly string[] {
  const [name = '', version] = text.split('@', 2);
  return version === undefined ? [name] : [name, '--version', version];
}

function cargo(state: BuildState, step: Cargo, what: readonly string[]): BuildAction {
  const features = step.features.length === 0 ? [] : ['--features', step.features.join(',')];
  const locked = step.locked ? ['--locked'] : [];
  const argv = ['cargo', 'install', '--root', '/usr/local', ...locked, ...features, ...what];
  return { kind: 'run', argv, env: state.env, caches: state.caches };
}

export const planCargoInstall: PlanStep = (value, state) => {
  const step = value as unknown as Cargo;
  if ((step.packages.length === 0) === (step.path === undefined))
    return refuse('!CargoInstall needs packages or a path, and not both');
  // The registry's index and sources are worth keeping, what was compiled is not.
  const own = { CARGO_HOME: '/tmp/cargo', CARGO_TARGET_DIR: '/tmp/cargo-target' };
  const cached = withCaches(state, own, { '/tmp/cargo/registry': 'cargo-registry' });
  const ready = requireFeatures(cached, 'build-essentials', 'cargo', 'git');
  if (!ready.ok) return ready;
  const wanted =
    step.path === undefined ? step.packages.map(crate) : [['--path', `/work/${step.path}`] as const];
  return done(ready.state, ...ready.actions, ...wanted.map(what => cargo(ready.state, step, what)));
};

export const planGoInstall: PlanStep = (value, state) => {
  const packages = value as string[];
  const without = packages.find(text => !text.includes('@'));
  if (without !== undefined) return refuse(`${without}: say which version, e.g. ${without}@latest`);
  const own = {
    GOBIN: '/usr/local/bin',
    GOPATH: '/tmp/go',
    GOCACHE: '/tmp/go-build',
    GOFLAGS: '-modcacherw',
  };
  const caches = { '/tmp/go/pkg/mod/cache': 'go-modules', '/tmp/go-build': 'go-build' };
  const ready = requireFeatures(withCaches(state, own, caches), 'build-essentials', 'go', 'git', 'https');
  if (!ready.ok) return ready;
  const { env, caches: mounted } = ready.state;
  const installs = packages.map(
    (text): BuildAction => ({ kind: 'run', argv: ['go', 'install', text], env, caches: mounted }),
  );
  return done(ready.state, ...ready.actions, ...installs);
};
