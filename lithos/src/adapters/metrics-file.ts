// The files through which cantal reads our metrics (shared/src/wire/cantal-metrics.ts), and in which counters outlive
// this program. Calls are synchronous: a few kilobytes on a tmpfs, and a kill right after an event must not lose it.
//
//   another layout:  BASE.values.next, BASE.meta.next ─▶ BASE.meta goes ─▶ values in place ─▶ meta in place
//
// A reader takes values only with a meta file that was the same before and after; without one it waits.
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import {
  METRIC_LIMITS,
  metaText,
  type PublishedMetric,
  parseMeta,
  readNumber,
  valueBytes,
} from '@suite/shared/wire/cantal-metrics.ts';

const NEXT = '.next';
/** The agent may run as somebody else. */
const MODE = 0o644;

export class MetricsFile {
  private readonly meta: string;
  private readonly values: string;
  private layout: string | undefined;
  private fd: number | undefined;

  /** `base`: the path CANTAL_PATH names. */
  constructor(base: string) {
    this.meta = `${base}.meta`;
    this.values = `${base}.values`;
  }

  /** Counters as the last writer left them, under the names `key` makes of group and metric; damaged files say nothing. */
  recover(key: (group: string, metric: string) => string): Map<string, number> {
    const found = new Map<string, number>();
    try {
      // A crash between two layouts left the new one beside the place.
      const isNext = !existsSync(this.meta);
      const values = isNext && existsSync(this.values + NEXT) ? this.values + NEXT : this.values;
      const text = readFileSync(isNext ? this.meta + NEXT : this.meta, 'utf8');
      const parsed = text.length > METRIC_LIMITS.metaBytes ? undefined : parseMeta(text);
      const bytes = readFileSync(values);
      if (parsed?.ok !== true || bytes.length < parsed.meta.sizeBytes) return found;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (const field of parsed.meta.fields) {
        const { group, metric } = field.labels;
        if (field.type !== 'counter' || group === undefined || metric === undefined) continue;
        found.set(key(group, metric), readNumber(view, field));
      }
    } catch {
      // The first start on this host.
    }
    return found;
  }

  /** Throws the system's error. */
  write(metrics: readonly PublishedMetric[]): void {
    const layout = metaText(metrics);
    const bytes = valueBytes(metrics);
    if (layout === this.layout && this.fd !== undefined) {
      writeSync(this.fd, bytes, 0, bytes.length, 0);
      return;
    }
    this.replace(layout, bytes);
  }

  private replace(layout: string, bytes: Uint8Array): void {
    writeFileSync(this.values + NEXT, bytes, { mode: MODE });
    writeFileSync(this.meta + NEXT, layout, { mode: MODE });
    this.close();
    rmSync(this.meta, { force: true });
    renameSync(this.values + NEXT, this.values);
    renameSync(this.meta + NEXT, this.meta);
    this.fd = openSync(this.values, 'r+');
    this.layout = layout;
  }

  /** From now on nothing is written in place: the number of a closed descriptor soon is that of another file. */
  private close(): void {
    const { fd } = this;
    this.fd = undefined;
    if (fd !== undefined) closeSync(fd);
  }
}
