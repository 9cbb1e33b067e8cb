import { colours } from '@suite/shared/cli/colours.ts';
import type { CommandSpec, ParsedRun } from '@suite/shared/cli/command.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { jsonOut } from '@suite/shared/cli/json-out.ts';
import { nearest } from '@suite/shared/schema/nearest.ts';
import { LITHOS_LIMITS } from '@suite/shared/wire/lithos.ts';
import { listensOn } from '../adapters/listeners.ts';
import { logTail } from '../adapters/log-tail.ts';
import { stdioLog } from '../adapters/paths.ts';
import { ProcessTable } from '../adapters/process-table.ts';
import { SHOWN } from '../config/defaults.ts';
import { printable, shortened } from '../core/instance/printable.ts';
import { isUnwell } from '../core/switch/judge.ts';
import { type FoundTrees, findTrees, type SeenInstance, type SeenTree } from './ps/find-trees.ts';
import { jsonOf } from './ps/json.ts';
import { monitor } from './ps/monitor.ts';
import { securityNotes, securityOf } from './ps/security.ts';
import type { Shown } from './ps/shown.ts';
import { textOf } from './ps/tree-text.ts';
import { longNotes, type Usage, usageOf } from './ps/usage.ts';
import { CONFIG_OPTION, JSON_OPTION, runCommand } from './shared-options.ts';

const SPEC: CommandSpec = {
  name: 'lithos_ps',
  summary: 'Shows what the lithos_tree processes of this host run, and why what does not run does not.',
  examples: [
    ['lithos_ps', 'every running tree with its sandboxes, processes and instances'],
    ['lithos_ps web db/main.0', 'a sandbox and an instance'],
    ['lithos_ps --monitor', 'a table that is drawn again every second; q ends it'],
    ['lithos_ps -l web', 'which image each instance runs, since when, and how near it is to its limits'],
    ['lithos_ps --security web', 'what confines each instance; ! marks what was relaxed'],
    ['lithos_ps -C ./master.yaml', 'one tree, also while its supervisor is not running'],
  ],
  options: [
    { ...CONFIG_OPTION, summary: 'only the tree of this master config (default: all that run)' },
    JSON_OPTION,
    { long: 'monitor', summary: 'a table that is drawn again every second' },
    { long: 'long', short: 'l', summary: 'with image, run, ports, and what of memory and processes is used' },
    { long: 'security', summary: 'what confines each instance' },
    { long: 'force-color', summary: 'colours even when the output is no terminal' },
    { long: 'no-color', summary: 'no colours' },
  ],
  positionals: [
    { name: 'NAME', summary: 'sandbox, sandbox/process or sandbox/process.N', optional: true, repeat: true },
  ],
  footer: 'Exit codes: 0 shown, 1 no lithos_tree (or nothing of that name) was found, 2 bad command line.',
};

function isMeant({ name }: SeenInstance, names: readonly string[]): boolean {
  if (names.length === 0) return true;
  return names.some(each => name === each || name.startsWith(`${each}/`) || name.startsWith(`${each}.`));
}

/** Of a sandbox with errors there may be no instance. */
function isMeantSandbox(sandbox: string, names: readonly string[]): boolean {
  return names.length === 0 || names.some(each => each === sandbox || each.startsWith(`${sandbox}/`));
}

function only(tree: SeenTree, names: readonly string[]): SeenTree {
  const { status } = tree;
  const sandboxes = (status?.sandboxes ?? []).filter(({ name }) => isMeantSandbox(name, names));
  return {
    ...tree,
    instances: tree.instances.filter(instance => isMeant(instance, names)),
    status: status === undefined ? undefined : { ...status, sandboxes },
  };
}

/** Everything that can be asked for: sandboxes, processes, instances. */
function namesOf(trees: readonly SeenTree[]): string[] {
  const instances = trees.flatMap(tree => tree.instances.map(({ name }) => name));
  const above = instances.flatMap(name => [name.replace(/\.\d+$/, ''), name.replace(/\/.*$/, '')]);
  return [...new Set([...above, ...instances])];
}

/** Trees without anything of these names are left out; `known`: what they could have been. */
async function find(
  { options, positionals }: ParsedRun,
  table: ProcessTable,
): Promise<FoundTrees & { readonly known: readonly string[] }> {
  const { trees, unreadable } = await findTrees(table, options.config as string | undefined);
  const meant = trees.map(tree => only(tree, positionals));
  const isShown = ({ instances, status }: SeenTree) =>
    positionals.length === 0 || instances.length > 0 || (status?.sandboxes ?? []).some(({ ok }) => !ok);
  return { trees: meant.filter(isShown), unreadable, known: namesOf(trees) };
}

function lastWords(tree: SeenTree, { name, status }: SeenInstance): string[] {
  if (status === undefined || !isUnwell(status)) return [];
  const lines = logTail(stdioLog(tree.paths, name), SHOWN.logLines, LITHOS_LIMITS.logBytes);
  return lines.map(line => shortened(line, SHOWN.lineChars));
}

async function printJson(
  trees: readonly SeenTree[],
  table: ProcessTable,
  withSecurity: boolean,
): Promise<void> {
  const shown = [];
  for (const tree of trees) {
    const security = withSecurity ? await securityOf(tree, table) : undefined;
    shown.push(jsonOf(tree, table, { nowMs: Date.now(), log: item => lastWords(tree, item), security }));
  }
  jsonOut({ trees: shown }, process.stdout);
}

async function printText(run: ParsedRun, trees: readonly SeenTree[], table: ProcessTable): Promise<void> {
  const { options } = run;
  const wanted = options['force-color'] === true ? 'always' : options['no-color'] === true ? 'never' : 'auto';
  const ink = colours(process.stdout, process.env, wanted);
  const tables: Parameters<typeof listensOn>[1] = new Map();
  for (const tree of trees) {
    const security = options.security === true ? await securityOf(tree, table) : undefined;
    const usage = ({ name }: SeenInstance) => usageOf(tree.cgroups, name);
    const long = (shown: Shown, used: Usage) => {
      if (options.long !== true) return [];
      const pids = shown.all.map(({ pid }) => pid);
      return longNotes(shown, used, listensOn(pids, tables));
    };
    const notes = (shown: Shown, used: Usage) =>
      security === undefined
        ? [...long(shown, used), ...lastWords(tree, shown.instance)].map(line =>
            ink.dim(`| ${printable(line)}`),
          )
        : securityNotes(security.get(shown.instance.name) ?? [], ink);
    process.stdout.write(textOf(tree, table, { ink, nowMs: Date.now(), usage, notes }));
  }
}

async function run(parsed: ParsedRun): Promise<number> {
  const { options, positionals } = parsed;
  if (options.monitor === true) {
    await monitor(async () => (await find(parsed, new ProcessTable())).trees);
    return EXIT.ok;
  }
  const table = new ProcessTable();
  const { trees, unreadable, known } = await find(parsed, table);
  for (const words of unreadable) process.stderr.write(`lithos_ps: ${words}\n`);
  if (options.json === true) {
    await printJson(trees, table, options.security === true);
    return EXIT.ok;
  }
  await printText(parsed, trees, table);
  if (trees.length > 0) return EXIT.ok;
  if (unreadable.length > 0) return EXIT.failed;
  const guess = nearest(positionals[0] ?? '', known);
  const hint = guess === undefined ? '' : `: did you mean ${guess}?`;
  const what =
    positionals.length > 0
      ? `nothing is called ${positionals.join(' or ')}${hint}`
      : 'no lithos_tree runs here';
  process.stderr.write(`lithos_ps: ${what}\n`);
  return EXIT.failed;
}

void runCommand(SPEC, run);
