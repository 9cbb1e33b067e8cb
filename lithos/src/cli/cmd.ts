// What lithos_cmd does: finds the entry, makes it an instance of its own name, and runs that in the foreground.
import { colours } from '@suite/shared/cli/colours.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { realDisk } from '@suite/shared/ports/real.ts';
import { type Diagnostic, printDiagnostics } from '@suite/shared/schema/index.ts';
import { nearest } from '@suite/shared/schema/nearest.ts';
import { CommandRun, NotStarted } from '../adapters/command-run.ts';
import { commandName } from '../adapters/commands.ts';
import { loadMaster, type Master } from '../adapters/load-master.ts';
import { isError, loadSandbox } from '../adapters/load-sandbox.ts';
import type { Texts } from '../adapters/read-yaml.ts';
import { NAME } from '../config/process.ts';
import { desiredSandbox, instanceOf } from '../core/desired/instances.ts';
import type { DesiredInstance, DesiredSandbox } from '../core/desired/types.ts';
import { commandLog } from './command-log.ts';

export interface CmdOptions {
  readonly config: string;
  readonly sandbox: string;
  readonly name: string;
  readonly args: readonly string[];
  readonly logStderr: boolean;
  readonly logLevel: string | undefined;
}

/** As shells say of what they found and could not run. */
const EXIT_NOT_STARTED = 126;

class Refused extends Error {
  readonly diagnostics: readonly Diagnostic[];
  constructor(message: string, diagnostics: readonly Diagnostic[] = []) {
    super(message);
    this.diagnostics = diagnostics;
  }
}

function checkNames({ sandbox, name }: CmdOptions): void {
  for (const text of [sandbox, name])
    if (!NAME.test(text)) throw new Refused(`\`${text}\` is no name: letters, digits, \`_\` and \`-\` only`);
}

/** Errors of the sandbox's other entries do not matter. */
async function findEntry({ sandbox, name }: CmdOptions, { paths }: Master, texts: Texts) {
  const loaded = await loadSandbox(realDisk, paths, sandbox, texts);
  const errors = loaded.diagnostics.filter(isError);
  if (loaded.checked === undefined) throw new Refused(`sandbox ${sandbox} cannot be used`, errors);
  const { sources, good } = loaded.checked;
  const entry = sources.entries.find(({ process }) => process === name);
  if (entry === undefined) {
    const guess = nearest(name, Object.keys(sources.processes.value));
    const hint = guess === undefined ? '' : `: did you mean \`${guess}\`?`;
    throw new Refused(`sandbox ${sandbox} has no process \`${name}\`${hint}`, errors);
  }
  if (entry.entry.kind !== 'Command')
    throw new Refused(
      `\`${name}\` of sandbox ${sandbox} is a ${entry.entry.kind}: only entries with \`kind: Command\` can be run`,
    );
  const found = good.find(({ process }) => process === name);
  if (found?.container === undefined)
    throw new Refused(`\`${name}\` of sandbox ${sandbox} cannot be used`, errors);
  return { sources, entry: found, container: found.container.value };
}

interface Found {
  readonly desired: DesiredInstance;
  readonly log: DesiredSandbox['log'];
}

/** Sockets are the daemons': a command would take connections away from them. */
async function findCommand(options: CmdOptions, master: Master, texts: Texts): Promise<Found> {
  const { sources, entry, container } = await findEntry(options, master, texts);
  const name = commandName(options.sandbox, options.name, process.pid);
  const usual = instanceOf(sources, entry, container, name, 0);
  const command = [...usual.command, ...options.args];
  return {
    desired: { ...usual, command, sockets: [], processOnly: false },
    log: desiredSandbox(sources, []).log,
  };
}

async function run(options: CmdOptions, texts: Texts): Promise<number> {
  checkNames(options);
  if (process.getuid?.() !== 0) throw new Refused('lithos_cmd must run as root');
  const init = findProgram('catatonit');
  if (init === undefined) throw new Refused('catatonit is not installed: apt-get install -y catatonit');
  const master = await loadMaster(realDisk, options.config, texts);
  if (!master.ok) throw new Refused('the master config is bad', master.errors);
  const { desired, log: own } = await findCommand(options, master.value, texts);
  const log = commandLog(master.value, desired.sandbox, own, options);
  return await new CommandRun({ master: master.value, desired, init, log }).run();
}

export async function runCommandOf(options: CmdOptions): Promise<number> {
  const texts: Texts = new Map();
  try {
    return await run(options, texts);
  } catch (error) {
    const { message } = error as Error;
    if (!(error instanceof Refused) && !(error instanceof NotStarted)) {
      process.stderr.write(`lithos_cmd: bug: ${(error as Error).stack}\n`);
      return EXIT.system;
    }
    const colour = colours(process.stderr, process.env).enabled;
    if (error instanceof Refused)
      process.stderr.write(printDiagnostics(error.diagnostics, texts, { colour }));
    process.stderr.write(`lithos_cmd: ${message}\n`);
    return EXIT_NOT_STARTED;
  }
}
