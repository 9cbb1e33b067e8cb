// What the sockets can be asked for, gathered from the parts of the tree. Nothing here shows an environment: that is
// where programs keep secrets.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SecurityFact, securitySummary } from '@suite/shared/oci/security.ts';
import {
  type InstanceDetail,
  type InstanceStatus,
  LITHOS_LIMITS,
  type TreeStatus,
  type VerbAnswer,
} from '@suite/shared/wire/lithos.ts';
import type { Cgroups } from '../../adapters/cgroups.ts';
import { isPublic, logTail } from '../../adapters/log-tail.ts';
import { type HostPaths, stdioLog } from '../../adapters/paths.ts';
import { runFiles } from '../../adapters/records.ts';
import { SHOWN, TIMES } from '../../config/defaults.ts';
import { describeState } from '../../core/instance/words.ts';
import { families, type Usage } from '../../core/metrics/families.ts';
import { prometheusText } from '../../core/metrics/prometheus.ts';
import type { Witness } from '../witness.ts';

export interface ToldOptions {
  readonly paths: HostPaths;
  readonly cgroups: Cgroups;
  readonly witness: Witness;
  readonly status: () => TreeStatus;
  /** False: there is no such instance (any more). */
  readonly verbs: { restart(name: string): boolean; clear(name: string): boolean };
  /** As SIGHUP. Answers with the number of the first reading that begins after it. */
  readonly requestReload: () => number;
}

const US_PER_S = 1_000_000;

function hasRun({ state }: InstanceStatus): boolean {
  return state === 'running' || state === 'stopping' || state === 'starting';
}

function verbAnswer(
  asked: string,
  names: readonly string[],
  act: (name: string) => boolean,
  message: string,
): VerbAnswer {
  const instances = names.filter(act);
  if (instances.length > 0) return { ok: true, message, instances };
  return { ok: false, message: `there is no instance ${asked}`, instances };
}

export class Told {
  private readonly options: ToldOptions;

  constructor(options: ToldOptions) {
    this.options = options;
  }

  status(): TreeStatus {
    return this.options.status();
  }

  exists(name: string): boolean {
    return this.find(name) !== undefined;
  }

  instance(name: string, isRoot: boolean): InstanceDetail | undefined {
    const found = this.find(name);
    if (found === undefined) return undefined;
    const usage = hasRun(found) ? this.options.cgroups.stats(name) : undefined;
    return {
      ...found,
      words: describeState(found, Date.now()),
      memoryBytes: usage?.memoryBytes ?? null,
      cpuMs: usage?.cpuUsageMs ?? null,
      processes: usage?.pids ?? null,
      log: this.log(name, SHOWN.logLines, isRoot),
    };
  }

  /** Null: only root may know. The instance exists. */
  log(name: string, lines: number, isRoot: boolean): readonly string[] | null {
    const file = stdioLog(this.options.paths, name);
    return isRoot || isPublic(file) ? logTail(file, lines, LITHOS_LIMITS.logBytes) : null;
  }

  /** From the bundle of the present run, or of the next one where it is written already. */
  async security(name: string): Promise<readonly SecurityFact[] | undefined> {
    const found = this.find(name);
    if (found === undefined) return undefined;
    const { bundle } = runFiles(this.options.paths, name, found.run);
    const text = await readFile(join(bundle, 'config.json'), 'utf8').catch(() => undefined);
    return text === undefined ? [] : securitySummary(JSON.parse(text));
  }

  async metrics(): Promise<string> {
    const status = this.status();
    const usage = new Map<string, Usage>();
    for (const { name } of status.instances.filter(hasRun)) {
      usage.set(name, this.options.cgroups.stats(name));
      // A handful of small files each: between two of them whatever else the tree has to do comes first.
      if (usage.size % SHOWN.usageAtOnce === 0) await new Promise<void>(resolve => setImmediate(resolve));
    }
    const { user, system } = process.cpuUsage();
    const own = { residentBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / US_PER_S };
    return prometheusText(families({ status, usage, counters: this.options.witness.counters, own }));
  }

  /** `name`: an instance, a process or a sandbox; all of it is stopped and started again, at the same time. */
  restart(name: string): VerbAnswer {
    const meant = this.below(name).map(instance => instance.name);
    return verbAnswer(name, meant, each => this.options.verbs.restart(each), 'restarting');
  }

  /** As `restart`; empty for everything. Those that have not failed are left alone. */
  clearFailed(name: string): VerbAnswer {
    const meant = name === '' ? this.status().instances : this.below(name);
    const failed = meant.filter(({ state, reason }) => state === 'failed' || reason === 'back-off');
    const names = failed.map(instance => instance.name);
    if (meant.length > 0 && names.length === 0)
      return { ok: true, message: 'none has failed', instances: [] };
    return verbAnswer(name, names, each => this.options.verbs.clear(each), 'starting');
  }

  /** Resolves when the configuration has been read again. */
  async reload(): Promise<VerbAnswer> {
    const wanted = this.options.requestReload();
    const done = new Promise<VerbAnswer>(resolve => {
      const giveUp = setTimeout(() => {
        forget();
        resolve({ ok: false, message: 'the configuration is not read yet', instances: [] });
      }, TIMES.reloadMs);
      const forget = this.options.witness.listen(event => {
        if (event.type !== 'reload' || event.reloads < wanted) return;
        clearTimeout(giveUp);
        forget();
        const { errors, reloads } = event;
        const ok = errors.length === 0;
        resolve({ ok, message: ok ? `reading ${reloads}` : errors.join('\n'), instances: [] });
      });
    });
    return await done;
  }

  private below(name: string): InstanceStatus[] {
    const prefixes = [`${name}/`, `${name}.`];
    return this.status().instances.filter(
      instance => instance.name === name || prefixes.some(prefix => instance.name.startsWith(prefix)),
    );
  }

  private find(name: string): InstanceStatus | undefined {
    return this.status().instances.find(instance => instance.name === name);
  }
}
