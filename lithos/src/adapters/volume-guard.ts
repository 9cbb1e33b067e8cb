// Sees to it that a container gets the directories that were meant. The runtime looks a volume's path up by itself, some
// milliseconds after us, and another container that may write in a parent directory could put a link there meanwhile.
// So the directory is opened before, and what got mounted is compared with it before the program runs.
import { closeQuietly, O_PATH, openAt, openPlace } from '@suite/shared/linux/openat2.ts';
import type { DesiredInstance } from '../core/desired/types.ts';
import type { Attachment } from './attachment.ts';
import { type HostVolume, isHostVolume, isSame, openSource } from './volumes.ts';

interface Guarded {
  readonly volume: HostVolume;
  readonly fd: number;
}

function key(name: string, run: number): string {
  return `${name} ${run}`;
}

/** Where somebody else than the operator may have made a component of the path. */
function isGuarded(volume: DesiredInstance['volumes'][number]): volume is HostVolume {
  return isHostVolume(volume) && volume.source !== volume.root;
}

function check({ volume, fd }: Guarded, root: number): void {
  const mounted = openAt(root, volume.target, { flags: O_PATH, resolve: ['inRoot', 'noMagicLinks'] });
  try {
    if (isSame(fd, mounted)) return;
  } finally {
    closeQuietly(mounted);
  }
  throw new Error(`volume ${volume.target}: ${volume.source} was exchanged while it was being mounted`);
}

export class VolumeGuard implements Attachment {
  readonly concern = 'volumes';
  private readonly open = new Map<string, readonly Guarded[]>();

  async beforeCreate(desired: DesiredInstance, run: number): Promise<void> {
    const guarded: Guarded[] = [];
    this.open.set(key(desired.name, run), guarded);
    for (const volume of desired.volumes.filter(isGuarded))
      guarded.push({ volume, fd: await openSource(volume) });
  }

  async mounted(desired: DesiredInstance, run: number, place: string): Promise<void> {
    const guarded = this.open.get(key(desired.name, run)) ?? [];
    if (guarded.length === 0) return;
    const root = openPlace(place);
    try {
      for (const each of guarded) check(each, root);
    } finally {
      closeQuietly(root);
      this.close(desired.name, run);
    }
  }

  async detach(name: string, run: number): Promise<void> {
    this.close(name, run);
  }

  private close(name: string, run: number): void {
    for (const { fd } of this.open.get(key(name, run)) ?? []) closeQuietly(fd);
    this.open.delete(key(name, run));
  }
}
