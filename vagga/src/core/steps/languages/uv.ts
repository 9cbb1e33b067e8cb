// `!UvSync`: what a uv.lock says, for the image's own interpreter, as `!Py3Requirements` would install it.
import { type BuildAction, done, type PlanStep } from '../state.ts';
import { pipAction, withPip } from './pip.ts';

const UV = '/tmp/pip-install/uv';
const REQUIREMENTS = '/tmp/uv-requirements.txt';

interface UvSync {
  readonly dir: string;
  readonly groups: readonly string[];
  readonly extras: readonly string[];
  readonly dev: boolean;
}

export const planUvSync: PlanStep = (value, state) => {
  const { dir, groups, extras, dev } = value as unknown as UvSync;
  const ready = withPip(state, 'python3', []);
  if (!ready.ok) return ready;
  const project = dir === '.' ? '/work' : `/work/${dir}`;
  const { env, caches } = ready.state;
  const uv = (...words: readonly string[]): BuildAction => ({
    kind: 'run',
    argv: ['python3', '-m', 'uv', ...words],
    env: {
      ...env,
      PYTHONPATH: UV,
      UV_CACHE_DIR: '/tmp/uv-cache',
      UV_LINK_MODE: 'copy',
      UV_PYTHON_DOWNLOADS: 'never',
    },
    caches: { ...caches, '/tmp/uv-cache': 'uv-cache' },
  });
  const chosen = [...groups.map(name => `--group=${name}`), ...extras.map(name => `--extra=${name}`)];
  const exported = ['export', '--frozen', '--no-emit-project', '--quiet', '--project', project];
  return done(
    ready.state,
    ...ready.actions,
    pipAction(ready.state, 'python3', 'install', '--upgrade', `--target=${UV}`, 'uv'),
    uv(...exported, ...(dev ? [] : ['--no-dev']), ...chosen, '--output-file', REQUIREMENTS),
    uv('pip', 'install', '--system', '--break-system-packages', '--no-deps', '--requirement', REQUIREMENTS),
  );
};
