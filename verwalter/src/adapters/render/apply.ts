import { isAbsolute, join, normalize } from 'node:path';
import type { Clock, Disk, Proc } from '@suite/shared/ports/index.ts';
import { printDiagnostics } from '@suite/shared/schema/index.ts';
import type { ScheduleObject } from '@suite/shared/wire/verwalter.ts';
import { rolesOf, roleVariables, type Variables } from '../../core/render/merge.ts';
import { DeployLog, fileSink, streamSink } from './deploy-log.ts';
import { forgivingSink } from './forgiving-sink.ts';
import { applyRole, prepareRole, type RoleWorld } from './role.ts';
import { readSandboxDirs } from './sandbox-dirs.ts';

declare const SUITE_VERSION: string;

/**
 * Role → fingerprint of what was applied last, kept only while that worked. One per daemon process: after a restart
 * everything is applied once, because nobody knows what happened in between.
 */
export type ApplyMemory = Map<string, string>;

export interface ApplyOptions {
  readonly schedule: Pick<ScheduleObject, 'hash' | 'data'>;
  /** Hash of the schedule applied before; an equal one does not repeat the changes in the log. */
  readonly previousHash: string | undefined;
  /** Key under `nodes`. */
  readonly hostname: string;
  readonly configDir: string;
  readonly logDir: string;
  /** Render and log to standard output, run and write nothing. */
  readonly dryRun: boolean;
  readonly proc: Proc;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly deploymentId: string;
  /** Absent: every role is applied, changed or not. */
  readonly memory?: ApplyMemory;
  /** What the scheduler printed, for the log; only a leader has it. */
  readonly debug?: string;
}

export interface RoleOutcome {
  readonly name: string;
  readonly ok: boolean;
  readonly error?: string;
  /** False when the same files and commands were applied before and nothing was done. */
  readonly changed: boolean;
  readonly durationMs: number;
}

export interface Applied {
  readonly roles: readonly RoleOutcome[];
  readonly logError?: string;
}

type Done = Pick<RoleOutcome, 'changed'> & { readonly error?: string };

/** The set's directory below `templates/`, or undefined for a path that leaves it. */
export function templateDirectory(configDir: string, template: string): string | undefined {
  const path = normalize(template);
  const isOutside = path === '..' || path.startsWith('../') || isAbsolute(path) || template === '';
  return isOutside ? undefined : join(configDir, 'templates', path);
}

function changesOf(data: unknown): string[] {
  const changes = typeof data === 'object' && data !== null && 'changes' in data ? data.changes : undefined;
  return Array.isArray(changes) ? changes.filter(line => typeof line === 'string') : [];
}

function variablesOf(options: ApplyOptions, role: string): Variables {
  return {
    ...roleVariables(options.schedule.data, options.hostname, role),
    timestamp: `${new Date(options.clock.wallMs()).toISOString().slice(0, 19)}Z`,
    deployment_id: options.deploymentId,
    verwalter_version: `v${SUITE_VERSION}`,
    full_schedule: options.schedule.data,
  };
}

async function renderRole(options: ApplyOptions, world: RoleWorld, role: string): Promise<Done> {
  const variables = variablesOf(options, role);
  const { full_schedule: _, ...shown } = variables;
  await world.log.write(`variables: ${JSON.stringify(shown)}\n`);
  if (typeof variables.template !== 'string')
    return { changed: false, error: 'the schedule gives no template for this role' };
  const directory = templateDirectory(options.configDir, variables.template);
  if (directory === undefined)
    return { changed: false, error: `template ${variables.template} is outside of templates/` };
  const prepared = await prepareRole(world, directory, variables);
  if (!prepared.ok) return { changed: false, error: prepared.error };
  const { fingerprint } = prepared.plan;
  if (options.memory?.get(role) === fingerprint) {
    await world.log.write('unchanged since it was applied last: nothing to do\n');
    return { changed: false };
  }
  options.memory?.delete(role);
  const error = await applyRole(world, role, prepared.plan);
  if (error !== undefined) return { changed: true, error };
  if (!options.dryRun) options.memory?.set(role, fingerprint);
  return { changed: true };
}

async function oneRole(
  options: ApplyOptions,
  log: DeployLog,
  logDirs: ReadonlyMap<string, string>,
  role: string,
): Promise<RoleOutcome> {
  const started = options.clock.monotonicMs();
  const outcome = (done: Done): RoleOutcome => ({
    name: role,
    ok: done.error === undefined,
    ...(done.error !== undefined && { error: done.error }),
    changed: done.changed,
    durationMs: options.clock.monotonicMs() - started,
  });
  if (!/^[^./\0][^/\0]*$/.test(role))
    return outcome({ changed: false, error: 'a role name has no slash and no leading dot' });
  const roleLog = await log.role(role);
  const { proc, disk, dryRun } = options;
  const done = await renderRole(options, { proc, disk, dryRun, log: roleLog, logDirs }, role).catch(
    (error: Error): Done => ({ changed: true, error: error.message }),
  );
  if (done.error !== undefined) await roleLog.write(`role failed: ${done.error}\n`);
  await roleLog.finish();
  return outcome(done);
}

async function start(options: ApplyOptions, log: DeployLog): Promise<void> {
  const { hash, data } = options.schedule;
  const isNew = hash !== options.previousHash;
  const debug =
    isNew && options.debug
      ? `+++ scheduler-debug start +++\n${options.debug}+++ scheduler-debug end +++\n`
      : '';
  await log.global('DeploymentStart', `schedule-hash: ${hash}\n${debug}`);
  const changes = changesOf(data);
  if (isNew && changes.length > 0) await log.changes(hash, changes);
}

/**
 * Renders and applies every role the schedule gives to `hostname`, in alphabetical order; a role that fails does not keep the others
 * from being applied, nor does a log that cannot be written (`logError` says why). Rejects only when the sandbox files cannot be used.
 */
export async function applySchedule(options: ApplyOptions): Promise<Applied> {
  const sink = forgivingSink(
    options.dryRun
      ? streamSink(text => void process.stdout.write(text))
      : fileSink(options.logDir, options.clock),
  );
  const log = new DeployLog(sink, options.clock, options.deploymentId);
  const sandbox = await readSandboxDirs(options.disk, options.configDir);
  if (!sandbox.ok)
    throw new Error(printDiagnostics(sandbox.problems, new Map(), { colour: false }).trimEnd());
  await start(options, log);
  const roles: RoleOutcome[] = [];
  const names = rolesOf(options.schedule.data, options.hostname);
  for (const gone of options.memory?.keys() ?? []) if (!names.includes(gone)) options.memory?.delete(gone);
  for (const role of names) roles.push(await oneRole(options, log, sandbox.logDirs, role));
  await log.global('DeploymentFinish');
  const logError = sink.failure();
  return logError === undefined ? { roles } : { roles, logError };
}
