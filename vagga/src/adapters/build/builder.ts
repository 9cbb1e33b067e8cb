// Builds one image in `.tmp.NAME`, then moves it to its place. See docs/storage.md for the layout.
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Progress } from '@suite/shared/cli/progress.ts';
import type { Json, Project, Step } from '../../config/model.ts';
import { containerIds } from '../../core/ids/session.ts';
import type { BuildPlan } from '../../core/plan/build.ts';
import { currentIds } from '../namespace/current.ts';
import { execute } from './actions.ts';
import { runChild } from './child.ts';
import { BuildContext, type BuildContextOptions } from './context.ts';
import { putHostFiles } from './host-files.ts';
import { BuildLog } from './log.ts';
import { Timings } from './timings.ts';

type GoodPlan = Extract<BuildPlan, { ok: true }>;

export interface BuildRequest extends Omit<BuildContextOptions, 'log'> {
  readonly project: Project;
  readonly plan: GoodPlan;
  readonly progress: Progress;
}

export interface FailedBuild {
  readonly kind: 'failed';
  readonly message: string;
  /** The step that failed; undefined for what comes before and after the steps. */
  readonly step?: Step;
  readonly tail: readonly string[];
  readonly logPath: string;
}

export type Built =
  | { readonly kind: 'built'; readonly seconds: number }
  | FailedBuild
  | { readonly kind: 'interrupted' };

function valueText(value: Json): string {
  if (value === null || typeof value !== 'object') return String(value ?? '');
  if (Array.isArray(value)) return value.map(valueText).join(' ');
  const given = Object.entries(value).filter(([, item]) => typeof item === 'string');
  return given.map(([key, item]) => `${key}: ${item as string}`).join(', ');
}

/** One line for progress, logs and messages; long scripts are cut. */
export function stepTitle(step: Step): string {
  const line = valueText(step.value).trim().replace(/\s+/g, ' ');
  return `!${step.tag} ${line.length > 60 ? `${line.slice(0, 59)}…` : line}`.trimEnd();
}

function prepareDirectory(context: BuildContext): void {
  mkdirSync(context.root, { recursive: true });
  const ids = containerIds(currentIds().ids, context.ids);
  if (!ids.ok) throw new Error(ids.message);
  writeFileSync(join(context.directory, 'uid_map'), ids.uidMap);
  writeFileSync(join(context.directory, 'gid_map'), ids.gidMap);
  putHostFiles(context.root);
}

async function runSteps(
  context: BuildContext,
  request: BuildRequest,
  timings: Timings,
): Promise<FailedBuild | undefined> {
  const { plan, progress } = request;
  const failure = (message: string, step?: Step): FailedBuild => ({
    kind: 'failed',
    message,
    ...(step !== undefined && { step }),
    tail: context.log.tail(),
    logPath: context.log.path,
  });
  const prepared = await execute(context, plan.prepare);
  if (prepared !== undefined) return failure(prepared);
  timings.mark('Prepare');
  for (const [index, { step, actions }] of plan.steps.entries()) {
    const title = stepTitle(step);
    timings.mark(`Step: ${title}`);
    context.log.beginStep(title);
    const shown = progress.start(`${request.name} [${index + 1}/${plan.steps.length}] ${title}`);
    context.log.onLine = line => shown.update(line);
    const failed = await execute(context, actions);
    if (failed !== undefined) {
      shown.failed(failed);
      return failure(failed, step);
    }
    shown.done();
  }
  context.log.beginStep('finish');
  const finished = await execute(context, plan.finish);
  timings.mark('Finish');
  return finished === undefined ? undefined : failure(finished);
}

/** The caller holds the lock of `.tmp.NAME`. A failed build leaves it for inspection, an interrupted one does not. */
export async function buildImage(request: BuildRequest): Promise<Built> {
  const { layout, name } = request;
  const directory = layout.temporary(name);
  await removeTree(directory);
  mkdirSync(directory, { recursive: true });
  const context = new BuildContext({ ...request, log: new BuildLog(join(directory, 'build.log')) });
  const timings = new Timings(join(directory, 'timings.log'));
  try {
    prepareDirectory(context);
    const failed = await runSteps(context, request, timings);
    if (!request.signal.aborted) return failed ?? { kind: 'built', seconds: timings.elapsedS };
    await context.discard(directory);
    return { kind: 'interrupted' };
  } finally {
    await context.close();
  }
}

/** Quicker than Node's own, and never crosses into a mount. */
export async function removeTree(path: string): Promise<void> {
  const log = { write: () => {} };
  await runChild(['rm', '-rf', '--one-file-system', path], { log, signal: new AbortController().signal });
}

/** Puts a finished `.tmp.NAME` in its place; an older build of the same version is deleted afterwards. */
export async function install(request: Pick<BuildRequest, 'layout' | 'name'>, hash: string): Promise<void> {
  const { layout, name } = request;
  const temporary = layout.temporary(name);
  const place = layout.image(name, hash);
  const old = `${temporary}.old`;
  // Of an installation that was killed between its two renames and its end.
  await removeTree(old);
  writeFileSync(join(temporary, 'last_use'), '');
  await removeTree(old);
  try {
    renameSync(place, old);
  } catch {
    // The usual case: this version was never built before.
  }
  renameSync(temporary, place);
  await removeTree(old);
}

/** Replaces a symlink at once, so that a reader always finds one. */
export function pointTo(link: string, target: string): void {
  const temporary = `${link}.tmp.${process.pid}`;
  symlinkSync(target, temporary);
  renameSync(temporary, link);
}
