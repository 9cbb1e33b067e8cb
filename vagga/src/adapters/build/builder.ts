// Builds one image in `.tmp.NAME`, then moves it to its place. See docs/storage.md for the layout.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Progress } from '@suite/shared/cli/progress.ts';
import { containerIds } from '../../core/ids/session.ts';
import { writeImageNote } from '../image/complete.ts';
import type { LayerStore } from '../layers/store.ts';
import { LayeredTree } from '../layers/tree.ts';
import { currentIds } from '../namespace/current.ts';
import { removeTree } from '../storage/remove-tree.ts';
import { BuildContext, type BuildContextOptions } from './context.ts';
import { noteFailed } from './failed-shell.ts';
import type { FailedBuild } from './failure.ts';
import { LayeredBuild, type LayeredPlan, type StepFailure } from './layered.ts';
import { BuildLog } from './log.ts';
import { StepReport } from './report.ts';

export interface BuildRequest extends Omit<BuildContextOptions, 'log' | 'tree'>, LayeredPlan {
  readonly progress: Progress;
  readonly store: LayerStore;
}

export type Built =
  | { readonly kind: 'built'; readonly seconds: number }
  | FailedBuild
  | { readonly kind: 'interrupted' };

/** Returns both maps as one text. */
function saveIds({ directory, ids: wanted }: BuildContext): string {
  const ids = containerIds(currentIds().ids, wanted);
  if (!ids.ok) throw new Error(ids.message);
  writeFileSync(join(directory, 'uid_map'), ids.uidMap);
  writeFileSync(join(directory, 'gid_map'), ids.gidMap);
  return ids.uidMap + ids.gidMap;
}

/** The half-built tree stays as a plain directory for whoever wants to look at it. */
async function failedBuild(context: BuildContext, { message, step, env }: StepFailure): Promise<FailedBuild> {
  try {
    await context.tree.abandon();
    noteFailed(context.directory, env);
  } catch {
    // No space for it, most likely: the reason of the failure is what counts.
  }
  return {
    kind: 'failed',
    message,
    ...(step !== undefined && { step }),
    tail: context.log.tail(),
    logPath: context.log.path,
  };
}

/** The caller holds the lock of `.tmp.NAME`. A failed build leaves it for inspection, an interrupted one does not. */
export async function buildImage(request: BuildRequest): Promise<Built> {
  const { layout, name, store, progress } = request;
  const directory = layout.temporary(request.slot);
  await removeTree(directory);
  mkdirSync(directory, { recursive: true });
  store.hold();
  const work = join(directory, 'cache');
  const tree = new LayeredTree(store, join(directory, 'root'), work);
  const log = new BuildLog(join(directory, 'build.log'));
  const context = new BuildContext({ ...request, log, tree });
  const report = new StepReport(name, request.plan.steps.length, progress, log, directory);
  try {
    const build = new LayeredBuild(context, store, report, saveIds(context));
    report.timings.mark('Prepare');
    const failed = await build.run(request);
    if (request.signal.aborted) return await interrupted(context);
    if (failed !== undefined) return await failedBuild(context, failed);
    await tree.end();
    await removeTree(work);
    writeImageNote(directory, tree.stack);
    return { kind: 'built', seconds: report.timings.elapsedS };
  } finally {
    await context.close();
  }
}

async function interrupted(context: BuildContext): Promise<Built> {
  await context.tree.end();
  await removeTree(context.directory);
  return { kind: 'interrupted' };
}
