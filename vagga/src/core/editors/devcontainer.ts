// A container of the project as a devcontainer (containers.dev): the image that vagga has built, handed to docker or podman.
import type { Container, Volume } from '../../config/model.ts';

/** Image names are lower case. `directory`: of the project. */
export function imageName(directory: string, container: string): string {
  const part = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '');
  return `vagga-${part(directory) || 'project'}-${part(container) || 'container'}`;
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: the editor's own variable
const HERE = '${localWorkspaceFolder}';

/** Directories of the project, from its root, or absolute ones. */
export interface VolumePlaces {
  readonly volumes: string;
  readonly cache: string;
}

const onHost = (path: string): string => (path.startsWith('/') ? path : `${HERE}/${path}`);

/** As docker's --mount has it; undefined: a devcontainer has no such thing. */
function mountOf(target: string, { tag, value }: Volume, places: VolumePlaces): string | undefined {
  const bind = (source: string, more = '') => `source=${source},target=${target},type=bind${more}`;
  switch (tag) {
    case 'Tmpfs':
      return `target=${target},type=tmpfs`;
    case 'Persistent':
      return bind(onHost(`${places.volumes}/${(value as { name: string }).name}`));
    case 'CacheDir':
      return bind(onHost(`${places.cache}/${value as string}`));
    case 'BindRW':
    case 'BindRO': {
      const path = value as string;
      const below =
        path === '/work' ? '' : path.startsWith('/work/') ? path.slice('/work'.length) : undefined;
      return below === undefined ? undefined : bind(HERE + below, tag === 'BindRO' ? ',readonly' : '');
    }
    default:
      return undefined;
  }
}

export interface Devcontainer {
  /** The content of devcontainer.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Mount points of volumes that have no counterpart. */
  readonly leftOut: readonly string[];
}

/** What a file that is there has beside our keys, such as `customizations`, stays. Undefined: nobody knows what it has. */
export function mergedConfig(
  text: string,
  config: Devcontainer['config'],
): Devcontainer['config'] | undefined {
  try {
    const old: unknown = JSON.parse(text);
    return typeof old === 'object' && old !== null && !Array.isArray(old) ? { ...old, ...config } : undefined;
  } catch {
    return undefined;
  }
}

/** `directory`: base name of the project's directory. */
export function devcontainer(
  directory: string,
  name: string,
  container: Container,
  places: VolumePlaces,
): Devcontainer {
  const volumes = Object.entries(container.volumes).sort(([a], [b]) => (a < b ? -1 : 1));
  const mounts = volumes.map(([target, volume]) => ({ target, mount: mountOf(target, volume, places) }));
  const usable = mounts.flatMap(({ mount }) => mount ?? []);
  return {
    leftOut: mounts.filter(({ mount }) => mount === undefined).map(({ target }) => target),
    config: {
      name: `${directory}: ${name}`,
      image: imageName(directory, name),
      initializeCommand: ['vagga', '_devcontainer', '--load', name],
      workspaceMount: `source=${HERE},target=/work,type=bind`,
      workspaceFolder: '/work',
      remoteUser: 'root',
      overrideCommand: true,
      ...(Object.keys(container.environ).length > 0 && { containerEnv: container.environ }),
      ...(usable.length > 0 && { mounts: usable }),
    },
  };
}
