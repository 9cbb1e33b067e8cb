// What lithos_check does: read everything, print every error, and on request the plan of a reload.
import { colours } from '@suite/shared/cli/colours.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { jsonOut } from '@suite/shared/cli/json-out.ts';
import { realDisk } from '@suite/shared/ports/real.ts';
import { type Diagnostic, printDiagnostics } from '@suite/shared/schema/index.ts';
import { checkSurroundings, hostAddress } from '../adapters/check-surroundings.ts';
import { type LoadedHost, loadHost } from '../adapters/load-host.ts';
import { loadMaster, type Master } from '../adapters/load-master.ts';
import { inOrder } from '../adapters/load-sandbox.ts';
import { problem, readConfig, type Texts } from '../adapters/read-yaml.ts';
import { containerSchema } from '../config/container.ts';
import { checkContainer } from '../core/desired/checks/entry.ts';
import { checkLimits } from '../core/desired/checks/limits.ts';
import type { DesiredInstance } from '../core/desired/types.ts';
import { type Action, describeAction, plan } from '../core/plan/plan.ts';
import { knownRuns } from './known-runs.ts';
import { VERSION } from './shared-options.ts';

export interface CheckOptions {
  readonly config: string;
  readonly sandbox: string | undefined;
  readonly alternate: string | undefined;
  readonly plan: boolean;
  readonly verbose: boolean;
  readonly json: boolean;
}

interface Outcome {
  readonly diagnostics: readonly Diagnostic[];
  readonly texts: Texts;
  readonly actions?: readonly Action[];
}

/** Messages to stderr (stdout is for the plan and JSON); on failure with the version, which bug reports need. */
function report({ diagnostics, texts, actions }: Outcome, json: boolean): number {
  const failed = diagnostics.some(item => item.severity === 'error');
  if (json)
    jsonOut(
      { ok: !failed, diagnostics, ...(actions === undefined ? {} : { plan: actions }) },
      process.stdout,
    );
  else {
    const colour = colours(process.stderr, process.env).enabled;
    process.stderr.write(printDiagnostics(diagnostics, texts, { colour }));
    for (const action of actions ?? []) process.stdout.write(`${describeAction(action)}\n`);
    if (failed) process.stderr.write(`lithos_check ${VERSION}: ${count(diagnostics)}\n`);
  }
  return failed ? EXIT.failed : EXIT.ok;
}

function count(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(item => item.severity === 'error').length;
  return errors === 1 ? '1 error' : `${errors} errors`;
}

/** Offline: schema, and that every used variable is declared. */
export async function checkContainers(files: readonly string[], json: boolean): Promise<number> {
  const texts: Texts = new Map();
  const diagnostics: Diagnostic[] = [];
  for (const file of files) {
    const read = await readConfig(realDisk, containerSchema, file, texts);
    diagnostics.push(...(read.ok ? checkContainer(read.value) : read.errors));
  }
  return report({ diagnostics, texts }, json);
}

function alternateProblems(options: CheckOptions, names: readonly string[]): Diagnostic[] {
  if (options.alternate === undefined) return [];
  const { sandbox, alternate } = options;
  if (sandbox === undefined)
    return [problem('no-sandbox', alternate, '--alternate-config needs --sandbox NAME')];
  return names.includes(sandbox) ? [] : [problem('no-sandbox', alternate, `there is no sandbox ${sandbox}`)];
}

/** Everything that is wrong, file by file. */
async function findProblems(master: Master, host: LoadedHost): Promise<Diagnostic[]> {
  const checked = host.sandboxes.flatMap(loaded => loaded.checked ?? []);
  const here = await checkSurroundings(realDisk, master.paths.masterFile, checked);
  return inOrder([
    ...master.warnings,
    ...host.errors,
    ...host.sandboxes.flatMap(loaded => loaded.diagnostics),
    ...checkLimits({ value: master.keys, node: master.node }, checked),
    ...here,
  ]);
}

async function sayWhere({ paths }: Master, names: readonly string[]): Promise<void> {
  const { name, address } = await hostAddress();
  process.stdout.write(`host ${name}, address ${address ?? 'unknown'}\n`);
  process.stdout.write(`checked ${paths.masterFile} and sandboxes: ${names.join(', ')}\n`);
}

export async function checkHost(options: CheckOptions): Promise<number> {
  const texts: Texts = new Map();
  const master = await loadMaster(realDisk, options.config, texts);
  if (!master.ok) return report({ diagnostics: master.errors, texts }, options.json);
  const { paths } = master.value;
  const { sandbox, alternate } = options;
  const replaced =
    sandbox !== undefined && alternate !== undefined ? { sandbox, file: alternate } : undefined;
  const host = await loadHost(realDisk, paths, texts, replaced);
  const names = host.sandboxes.map(({ name }) => name);
  const problems = await findProblems(master.value, host);
  const diagnostics = [...problems, ...alternateProblems(options, names)];
  if (options.verbose && !options.json) await sayWhere(master.value, names);
  if (!options.plan) return report({ diagnostics, texts }, options.json);
  const desired = host.sandboxes.flatMap(loaded => loaded.desired?.instances ?? []);
  const identities = new Map(desired.map((instance: DesiredInstance) => [instance.name, instance.identity]));
  return report({ diagnostics, texts, actions: plan(identities, await knownRuns(paths)) }, options.json);
}
