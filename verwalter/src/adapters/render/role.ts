import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disk, Proc } from '@suite/shared/ports/index.ts';
import { type Diagnostic, printDiagnostics } from '@suite/shared/schema/index.ts';
import { COMMAND_TIMEOUT_MS } from '../../config/defaults.ts';
import type { Variables } from '../../core/render/merge.ts';
import type { RoleLog } from './deploy-log.ts';
import { execute, signaturesOf } from './execute.ts';
import { type PlannedFile, planRole, type RolePlan } from './plan.ts';
import { loadTemplateSet } from './template-set.ts';

export interface RoleWorld {
  readonly proc: Proc;
  readonly disk: Disk;
  readonly log: RoleLog;
  readonly dryRun: boolean;
  readonly logDirs: ReadonlyMap<string, string>;
}

export type PreparedRole =
  | { readonly ok: true; readonly plan: RolePlan }
  | { readonly ok: false; readonly error: string; readonly problems: readonly Diagnostic[] };

/** Reads, parses and renders the whole set in `directory`; touches nothing. Rejects when the disk fails. */
export async function prepareRole(
  world: RoleWorld,
  directory: string,
  variables: Variables,
): Promise<PreparedRole> {
  const said: string[] = [];
  const loaded = await loadTemplateSet(world.disk, directory, line => said.push(line));
  const planned = loaded.ok ? planRole(loaded.set, variables) : { problems: loaded.problems };
  for (const line of said) await world.log.write(`template says: ${line}\n`);
  if ('plan' in planned) return { ok: true, plan: planned.plan };
  const error = printDiagnostics(planned.problems, loaded.sources, { colour: false });
  await world.log.write(error);
  return { ok: false, error: error.split('\n')[0] ?? 'cannot be rendered', problems: planned.problems };
}

async function applyFile(
  world: RoleWorld,
  role: string,
  directory: string,
  planned: PlannedFile,
): Promise<string | undefined> {
  const { path, file } = planned.renderFile;
  const files = new Map<string, string>();
  for (const [name, text] of planned.rendered) {
    const target = join(directory, `${files.size}-${name}`);
    await writeFile(target, text, { mode: 0o600 });
    files.set(name, target);
    await world.log.write(`+++ ${name} start +++\n${text}`);
    await world.log.write(`+++ ${name} end +++\n`);
  }
  await world.log.action('ActionStart', path);
  const timeoutMs = file.commandTimeout === undefined ? COMMAND_TIMEOUT_MS : file.commandTimeout * 1000;
  const signatures = await signaturesOf(world.disk, file.commands);
  const problem = await execute(
    { ...world, timeoutMs, references: { role, files }, signatures },
    file.commands,
  );
  await world.log.action('ActionFinish', path);
  return problem;
}

/**
 * Writes the rendered files into a private directory and runs the commands. Gives what went wrong: the commands before it were done,
 * later ones and later render files were not.
 */
export async function applyRole(world: RoleWorld, role: string, plan: RolePlan): Promise<string | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'verwalter-'));
  // Synchronous, so that there is no moment without the clean-up. A daemon that ends while a command hangs must not leave rendered files, passwords among them, behind.
  const onExit = () => rmSync(directory, { recursive: true, force: true });
  process.once('exit', onExit);
  try {
    for (const [index, planned] of plan.files.entries()) {
      const inside = await mkdtemp(join(directory, `${index}-`));
      const problem = await applyFile(world, role, inside, planned);
      if (problem !== undefined) return problem;
    }
    return undefined;
  } finally {
    process.off('exit', onExit);
    await rm(directory, { recursive: true, force: true });
  }
}
