// Whether there is so little room for logs that what monitors drop has to be counted.
import { statfsSync } from 'node:fs';
import { LOGS } from '../../config/defaults.ts';

export class DiskSpace {
  private readonly directory: string;
  private isTight = false;
  private roomBytes = 0;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** As it was found last. */
  get tight(): boolean {
    return this.isTight;
  }

  /** Until then even the quickest disk cannot have been filled. */
  get nextLookMs(): number {
    const fillMs = this.roomBytes / LOGS.fillBytesPerMs;
    return Math.min(LOGS.spaceCheckMaxMs, Math.max(LOGS.spaceCheckMs, fillMs));
  }

  look(): boolean {
    try {
      const { bfree, blocks, bsize } = statfsSync(this.directory);
      const low = Math.min(LOGS.lowSpaceBytes, LOGS.lowSpacePart * blocks * bsize);
      // Twice the room before monitors write again, or they would be stopped and continued all the time.
      this.isTight = bfree * bsize < (this.isTight ? 2 * low : low);
      this.roomBytes = Math.max(0, bfree * bsize - low);
    } catch {
      // The directory is missing: the next log makes it.
    }
    return this.isTight;
  }
}
