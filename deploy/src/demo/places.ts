// Where everything of the demo lies: all of it below `<checkout>/.demo`, nothing anywhere else.
import { join } from 'node:path';

export interface Places {
  readonly root: string;
  /** Data that comes with the checkout. */
  readonly data: string;
  readonly demo: string;
  /** Kept between runs: the vagga project and its images. */
  readonly images: string;
  readonly roots: string;
  /** Kept after a run for reading, emptied by the next. */
  readonly logs: string;
  /** Gone after a run, with what follows. */
  readonly temporary: string;
  readonly hosts: string;
  readonly state: string;
  readonly lock: string;
}

/** Directories of one host; inside the host they are /srv/host, /srv/log and below. */
export interface HostPlaces {
  readonly directory: string;
  readonly lithos: string;
  readonly verwalterConfig: string;
  /** Exist before the first start, because lithos mounts them. */
  readonly needed: readonly string[];
  readonly etc: string;
  readonly logs: string;
  readonly console: string;
}

export function places(root: string): Places {
  const demo = join(root, '.demo');
  const images = join(demo, 'images');
  return {
    root,
    data: join(root, 'deploy', 'demo'),
    demo,
    images,
    roots: join(images, '.vagga', '.roots'),
    logs: join(demo, 'logs'),
    temporary: join(demo, 'tmp'),
    hosts: join(demo, 'hosts'),
    state: join(demo, 'state.json'),
    lock: join(demo, 'lock'),
  };
}

export function hostPlaces(all: Places, host: string): HostPlaces {
  const directory = join(all.hosts, host);
  const logs = join(all.logs, host);
  const inside = (...parts: string[]): string => join(directory, ...parts);
  return {
    directory,
    lithos: inside('lithos'),
    verwalterConfig: inside('verwalter', 'config'),
    needed: [
      inside('lithos', 'processes'),
      inside('conf', 'services'),
      inside('conf', 'nginx'),
      inside('data'),
      inside('cantal'),
      inside('verwalter', 'storage'),
      join(logs, 'verwalter'),
    ],
    etc: inside('etc'),
    logs,
    console: join(logs, 'console.log'),
  };
}
