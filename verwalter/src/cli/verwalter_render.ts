import { colours } from '@suite/shared/cli/colours.ts';
import { type CommandSpec, type ParsedRun, parseCommandLine } from '@suite/shared/cli/command.ts';
import { realClock, realDisk, realProc } from '@suite/shared/ports/real.ts';
import { printDiagnostics } from '@suite/shared/schema/index.ts';
import { templateDirectory } from '../adapters/render/apply.ts';
import { DeployLog, fileSink, type LogSink, streamSink } from '../adapters/render/deploy-log.ts';
import { planRole } from '../adapters/render/plan.ts';
import { applyRole } from '../adapters/render/role.ts';
import { readSandboxDirs } from '../adapters/render/sandbox-dirs.ts';
import { loadTemplateSet } from '../adapters/render/template-set.ts';
import { CONFIG_DIR, LOG_DIR, RENDERED_BYTES_MAX } from '../config/defaults.ts';
import type { Variables } from '../core/render/merge.ts';

declare const SUITE_VERSION: string;

/** What a code says about the machine: up to 10 it is untouched, from 20 on it may be half applied. */
const CODE = {
  ok: 0,
  usage: 2,
  badInput: 3,
  noTemplate: 4,
  otherVersion: 5,
  notRendered: 10,
  commandFailed: 20,
  logFailed: 81,
} as const;

const SPEC: CommandSpec = {
  name: 'verwalter_render',
  summary: 'render the templates of one role and apply them',
  examples: [
    [
      `verwalter_render -C templates/nginx/v1 '{"role": "nginx"}'`,
      'check a template set and show what it would do',
    ],
    [
      'verwalter_render --vars-file vars.json --schedule-file schedule.json',
      'render one role as the daemon does',
    ],
  ],
  options: [
    {
      long: 'vars-file',
      argument: 'FILE',
      summary: 'variables as a JSON object (instead of VARS)',
      complete: 'file',
    },
    { long: 'schedule', argument: 'JSON', summary: 'data of the schedule, variable full_schedule' },
    { long: 'schedule-file', argument: 'FILE', summary: 'the same from a file', complete: 'file' },
    {
      long: 'check',
      short: 'C',
      aliases: ['check-dir'],
      argument: 'DIR',
      summary: 'use DIR as the template set and run nothing; only "role" is needed',
      complete: 'directory',
    },
    { long: 'dry-run', short: 'n', summary: 'render, but run no commands' },
    {
      long: 'config-dir',
      argument: 'DIR',
      summary: `templates and sandbox files (${CONFIG_DIR})`,
      complete: 'directory',
    },
    { long: 'log-dir', argument: 'DIR', summary: `logs of the roles (${LOG_DIR})`, complete: 'directory' },
  ],
  positionals: [{ name: 'VARS', summary: 'variables as a JSON object', optional: true }],
  footer:
    'Exit codes: 0 applied, 2 usage, 3 bad input, 4 no template, 5 other version, 10 not rendered, 20 a command failed, 81 log.',
};

/** Ends the program with a code and a sentence. */
class Stop extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

function option(run: ParsedRun, name: string): string | undefined {
  const value = run.options[name];
  return typeof value === 'string' ? value : undefined;
}

async function fileText(path: string): Promise<string> {
  const text = await realDisk.readText(path, RENDERED_BYTES_MAX).catch((error: Error) => {
    throw new Stop(CODE.badInput, `${path}: ${error.message}`);
  });
  if (text === undefined) throw new Stop(CODE.badInput, `${path}: no such file`);
  return text;
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Stop(CODE.badInput, `${what}: ${error instanceof Error ? error.message : 'no JSON'}`);
  }
}

async function readVariables(run: ParsedRun): Promise<Variables> {
  const file = option(run, 'vars-file');
  const text = file === undefined ? run.positionals[0] : await fileText(file);
  if (text === undefined) throw new Stop(CODE.usage, 'VARS or --vars-file is needed');
  const variables = parseJson(text, file ?? 'VARS');
  if (typeof variables !== 'object' || variables === null || Array.isArray(variables)) {
    throw new Stop(CODE.badInput, `${file ?? 'VARS'}: not a JSON object`);
  }
  const scheduleFile = option(run, 'schedule-file');
  const schedule = scheduleFile === undefined ? option(run, 'schedule') : await fileText(scheduleFile);
  const full = schedule === undefined ? null : parseJson(schedule, scheduleFile ?? '--schedule');
  return { ...(variables as Variables), full_schedule: full };
}

function needed(variables: Variables, name: string): string {
  const value = variables[name];
  if (typeof value !== 'string' || value === '')
    throw new Stop(CODE.badInput, `the variables have no text ${name}`);
  return value;
}

/** Directory of the template set, after the checks that come before touching anything. */
function chooseSet(run: ParsedRun, variables: Variables): string {
  const checked = option(run, 'check');
  if (checked !== undefined) return checked;
  needed(variables, 'deployment_id');
  const wanted = needed(variables, 'verwalter_version');
  if (wanted !== `v${SUITE_VERSION}`) {
    throw new Stop(
      CODE.otherVersion,
      `the daemon is ${wanted}, this program v${SUITE_VERSION}: restart the daemon`,
    );
  }
  if (typeof variables.template !== 'string')
    throw new Stop(CODE.noTemplate, 'the variables have no template');
  const directory = templateDirectory(option(run, 'config-dir') ?? CONFIG_DIR, variables.template);
  if (directory === undefined)
    throw new Stop(CODE.noTemplate, `template ${variables.template} is outside of templates/`);
  return directory;
}

function sinkOf(run: ParsedRun, dryRun: boolean): LogSink {
  if (dryRun) return streamSink(text => void process.stdout.write(text));
  const sink = fileSink(option(run, 'log-dir') ?? LOG_DIR, realClock);
  const guard = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: Error) => {
      throw new Stop(CODE.logFailed, `the log cannot be written: ${error.message}`);
    });
  return {
    append: (name, text) => guard(sink.append(name, text)),
    index: (line, day) => guard(sink.index(line, day)),
  };
}

async function logDirs(run: ParsedRun, isCheck: boolean): Promise<ReadonlyMap<string, string>> {
  if (isCheck) return new Map();
  const sandbox = await readSandboxDirs(realDisk, option(run, 'config-dir') ?? CONFIG_DIR);
  if (sandbox.ok) return sandbox.logDirs;
  throw new Stop(CODE.badInput, printDiagnostics(sandbox.problems, new Map(), { colour: false }).trimEnd());
}

async function render(run: ParsedRun): Promise<void> {
  const variables = await readVariables(run);
  const role = needed(variables, 'role');
  const directory = chooseSet(run, variables);
  const isCheck = option(run, 'check') !== undefined;
  const dryRun = isCheck || run.options['dry-run'] === true;
  const dirs = await logDirs(run, isCheck);
  const loaded = await loadTemplateSet(realDisk, directory, line =>
    process.stderr.write(`template says: ${line}\n`),
  );
  const planned = loaded.ok ? planRole(loaded.set, variables) : { problems: loaded.problems };
  if ('problems' in planned) {
    const colour = colours(process.stderr, process.env).enabled;
    throw new Stop(
      CODE.notRendered,
      printDiagnostics(planned.problems, loaded.sources, { colour }).trimEnd(),
    );
  }
  const id = typeof variables.deployment_id === 'string' ? variables.deployment_id : 'check';
  const log = await new DeployLog(sinkOf(run, dryRun), realClock, id).role(role);
  const world = { proc: realProc, disk: realDisk, log, dryRun, logDirs: dirs };
  const problem = await applyRole(world, role, planned.plan);
  await log.finish();
  if (problem !== undefined) throw new Stop(CODE.commandFailed, problem);
}

async function main(): Promise<number> {
  const run = parseCommandLine(SPEC, process.argv.slice(2), { env: process.env });
  if (run.kind === 'help') process.stdout.write(run.text);
  if (run.kind === 'version') process.stdout.write(`${SUITE_VERSION}\n`);
  if (run.kind === 'usage-error') process.stderr.write(run.text);
  if (run.kind !== 'run') return run.kind === 'usage-error' ? CODE.usage : CODE.ok;
  try {
    await render(run);
    return CODE.ok;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error instanceof Stop ? error.code : CODE.notRendered;
  }
}

// `| head` has seen enough; the rest is checked and cleaned up all the same.
process.stdout.on('error', () => {});

void main().then(code => {
  process.exitCode = code;
});
