// Reads everything, decides what is in force: a sandbox with an error keeps its last good configuration as a whole.
import type { Logger } from '@suite/shared/cli/log.ts';
import type { Clock, Disk } from '@suite/shared/ports/index.ts';
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import type { SandboxStatus } from '@suite/shared/wire/lithos.ts';
import { appendHistory } from '../adapters/history.ts';
import type { LastGood } from '../adapters/last-good.ts';
import { loadHost } from '../adapters/load-host.ts';
import { loadMaster } from '../adapters/load-master.ts';
import type { LoadedSandbox } from '../adapters/load-sandbox.ts';
import type { HostPaths } from '../adapters/paths.ts';
import type { DesiredInstance, DesiredSandbox, RollingUpdate } from '../core/desired/types.ts';

export interface Reading {
  /** Undefined: nothing may change, because not even the list of sandboxes could be read. */
  readonly desired: ReadonlyMap<string, DesiredInstance> | undefined;
  readonly policies: ReadonlyMap<string, RollingUpdate | null>;
  /** What was in force before, as far as it is known (also from an earlier supervisor). */
  readonly before: ReadonlyMap<string, DesiredInstance>;
  readonly sandboxes: readonly SandboxStatus[];
  readonly errors: readonly string[];
}

/** May nothing change: not even the list of sandboxes could be read. */
export function nothingRead(sandboxes: readonly SandboxStatus[], errors: readonly string[]): Reading {
  return { desired: undefined, policies: new Map(), before: new Map(), sandboxes, errors };
}

export interface ConfigurationOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Logger;
  readonly paths: HostPaths;
  readonly lastGood: LastGood;
  /** Where the log of each sandbox goes. */
  readonly onLogs: (logs: ReadonlyMap<string, DesiredSandbox['log']>) => void;
}

function inOneLine({ file, line, column, message }: Diagnostic): string {
  return `${file}:${line}:${column}: ${message}`;
}

export class Configuration {
  private readonly options: ConfigurationOptions;
  private readonly inForce = new Map<string, DesiredSandbox>();
  /** Accepted, and not kept for a later supervisor yet. */
  private readonly accepted = new Map<string, DesiredSandbox>();

  constructor(options: ConfigurationOptions) {
    this.options = options;
  }

  async read(): Promise<Reading> {
    const { disk, paths } = this.options;
    const masterErrors = await this.checkMaster();
    const host = await loadHost(disk, paths, new Map());
    const errors = [...masterErrors, ...host.errors.map(inOneLine)];
    for (const error of errors) this.options.log.error(error);
    if (host.errors.length > 0) return nothingRead([], errors);
    const sandboxes: SandboxStatus[] = [];
    const desired = new Map<string, DesiredInstance>();
    const before = new Map<string, DesiredInstance>();
    const policies = new Map<string, RollingUpdate | null>();
    const logs = new Map<string, DesiredSandbox['log']>();
    for (const loaded of host.sandboxes) {
      const earlier = this.inForce.get(loaded.name) ?? (await this.options.lastGood.load(loaded.name));
      for (const instance of earlier?.instances ?? []) before.set(instance.name, instance);
      const chosen = await this.choose(loaded, earlier);
      sandboxes.push(chosen.status);
      policies.set(loaded.name, chosen.sandbox?.rollingUpdate ?? null);
      for (const instance of chosen.sandbox?.instances ?? []) desired.set(instance.name, instance);
      if (chosen.sandbox !== undefined) logs.set(loaded.name, chosen.sandbox.log);
    }
    this.options.onLogs(logs);
    await this.keepOnly(new Set(host.sandboxes.map(({ name }) => name)));
    return { desired, policies, before, sandboxes, errors };
  }

  /**
   * What was read is in force from now on, also for a later supervisor. Not before its roll-outs have begun: one that
   * comes in between would take the new configuration for the old one, and replace everything at once.
   */
  async keep(): Promise<void> {
    for (const [name, sandbox] of this.accepted) {
      this.accepted.delete(name);
      await this.options.lastGood
        .save(sandbox)
        .catch((error: Error) => this.options.log.error(`sandbox ${name}: ${error.message}`));
    }
  }

  /** One that comes back later is a new one. */
  private async keepOnly(sandboxes: ReadonlySet<string>): Promise<void> {
    for (const name of this.inForce.keys()) if (!sandboxes.has(name)) this.inForce.delete(name);
    await this.options.lastGood.keepOnly(sandboxes);
  }

  /** The master config is only taken over by a re-exec; an error in it is said now, while it is easy to mend. */
  private async checkMaster(): Promise<string[]> {
    const master = await loadMaster(this.options.disk, this.options.paths.masterFile, new Map());
    if (!master.ok) return master.errors.map(inOneLine);
    if (JSON.stringify(master.value.paths) !== JSON.stringify(this.options.paths)) {
      this.options.log.warn(
        'paths in the master config have changed: they take effect with SIGQUIT (re-exec)',
      );
    }
    return [];
  }

  private async choose(
    loaded: LoadedSandbox,
    earlier: DesiredSandbox | undefined,
  ): Promise<{ sandbox: DesiredSandbox | undefined; status: SandboxStatus }> {
    const { name, ok, diagnostics } = loaded;
    const errors = diagnostics.filter(item => item.severity === 'error').map(inOneLine);
    for (const item of diagnostics)
      this.options.log[item.severity === 'error' ? 'error' : 'warn'](inOneLine(item));
    if (ok && loaded.desired !== undefined) await this.accept(loaded.desired);
    const good = this.inForce.get(name) ?? earlier;
    if (!ok) {
      const what =
        good === undefined ? 'what is valid of it runs' : 'its last good configuration stays in force';
      this.options.log.error(`sandbox ${name} has errors: ${what}`);
    }
    const sandbox = good ?? loaded.desired;
    if (sandbox !== undefined && good !== undefined) this.inForce.set(name, sandbox);
    return { sandbox, status: { name, ok, errors } };
  }

  private async accept(desired: DesiredSandbox): Promise<void> {
    const { clock, log, paths } = this.options;
    this.inForce.set(desired.name, desired);
    this.accepted.set(desired.name, desired);
    try {
      if (paths.configLogDir !== null && desired.history !== null) {
        await appendHistory(paths.configLogDir, desired.name, desired.history, clock.wallMs());
      }
    } catch (error) {
      log.error(`sandbox ${desired.name}: ${(error as Error).message}`);
    }
  }
}
