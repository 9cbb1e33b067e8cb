// Controller figures of every named cgroup that has a process.
import {
  baseOf,
  CONTROLLER_FILES,
  type ControllerFile,
  type Membership,
  parseMembership,
} from '../core/collect/cgroups.ts';
import { Recorder } from '../core/collect/recorder.ts';
import type { Sample } from '../core/collect/sample.ts';
import type { History } from '../core/history/history.ts';
import { KeptFile, readText } from './files.ts';
import type { Collector } from './machine.ts';
import type { Processes } from './processes.ts';

interface ObservedFile {
  readonly file: KeptFile;
  readonly parse: ControllerFile['parse'];
}
interface ObservedCgroup {
  readonly name: string;
  readonly files: readonly ObservedFile[];
}

export interface CgroupsOptions {
  readonly history: History;
  readonly processes: Processes;
  readonly procRoot: string;
  /** Where the hierarchies are mounted; several places are tried, because a container may lack its own mount. */
  readonly mounts: readonly string[];
}

interface Layout {
  /** Directory of the v2 hierarchy, undefined on pure v1. */
  readonly v2: string | undefined;
  readonly v1: string | undefined;
}

export class Cgroups implements Collector {
  readonly name = 'cgroups';
  readonly #options: CgroupsOptions;
  readonly #recorder: Recorder;
  /** By the text of /proc/PID/cgroup, which all processes of a group share. */
  #observed = new Map<string, ObservedCgroup>();
  #layout: Layout | undefined;

  constructor(options: CgroupsOptions) {
    this.#options = options;
    this.#recorder = new Recorder(options.history);
  }

  collect(): void {
    this.#layout ??= this.#findLayout();
    if (this.#layout === undefined) return;
    this.#follow(this.#layout);
    const samples = new Map<string, Sample>();
    for (const { name, files } of this.#observed.values())
      if (!samples.has(name)) samples.set(name, read(name, files));
    this.#recorder.record([...samples.values()]);
  }

  #findLayout(): Layout | undefined {
    for (const mount of this.#options.mounts) {
      if (readText(`${mount}/cgroup.procs`) !== undefined) return { v2: mount, v1: undefined };
      const hybrid = readText(`${mount}/unified/cgroup.procs`) !== undefined;
      const v1 = readText(`${mount}/memory/cgroup.procs`) !== undefined;
      if (hybrid || v1) return { v2: hybrid ? `${mount}/unified` : undefined, v1: mount };
    }
    return undefined;
  }

  /** Brings the observed groups in line with the processes there are. */
  #follow(layout: Layout): void {
    const wanted = new Map<string, string>();
    for (const { membership, cgroup } of this.#options.processes.byPid.values()) {
      if (cgroup !== undefined) wanted.set(membership, cgroup);
    }
    for (const [membership, group] of this.#observed) {
      if (wanted.has(membership)) continue;
      for (const { file } of group.files) file.close();
      this.#observed.delete(membership);
    }
    for (const [membership, name] of wanted) {
      if (!this.#observed.has(membership))
        this.#observed.set(membership, this.#observe(name, membership, layout));
    }
  }

  /** A path shared with PID 1 is not the group's own: its figures would be those of the whole host. */
  #observe(name: string, text: string, layout: Layout): ObservedCgroup {
    const membership = parseMembership(text);
    const base = parseMembership(readText(`${this.#options.procRoot}/1/cgroup`) ?? '');
    const files = CONTROLLER_FILES.flatMap((item): ObservedFile[] => {
      const directory = directoryOf(item, membership, base, layout);
      return directory === undefined
        ? []
        : [{ file: new KeptFile(`${directory}/${item.file}`), parse: item.parse }];
    });
    return { name, files };
  }

  blank(): void {
    this.#recorder.blank();
  }

  close(): void {
    for (const { files } of this.#observed.values()) for (const { file } of files) file.close();
    this.#observed = new Map();
  }
}

function directoryOf(
  item: ControllerFile,
  own: Membership,
  base: Membership,
  layout: Layout,
): string | undefined {
  const hierarchy = item.hierarchy === 'v2' ? '' : item.controller;
  const root = item.hierarchy === 'v2' ? layout.v2 : layout.v1;
  const path = own.get(hierarchy);
  if (root === undefined || path === undefined || path.includes('/..')) return undefined;
  if (path === '/' || path === baseOf(base.get(hierarchy) ?? '/') || path === base.get(hierarchy))
    return undefined;
  return item.hierarchy === 'v2' ? `${root}${path}` : `${root}/${item.controller}${path}`;
}

/** On hybrid hosts v1 and v2 may both answer for a metric: the first one wins. */
function read(cgroup: string, files: readonly ObservedFile[]): Sample {
  const seen = new Set<string>();
  const readings = files.flatMap(({ file, parse }) => {
    const text = file.text();
    return text === undefined ? [] : parse(text);
  });
  return {
    labels: { cgroup },
    readings: readings.filter(([metric]) => !seen.has(metric) && seen.add(metric) !== undefined),
  };
}
