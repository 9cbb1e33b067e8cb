// `_doctor [--json]`: tries what vagga needs of this machine, with and without a project.
import { join } from 'node:path';
import { colours } from '@suite/shared/cli/colours.ts';
import { realProc } from '@suite/shared/ports/real.ts';
import { insideFacts } from '../../adapters/doctor/inside.ts';
import { mirrorFacts } from '../../adapters/doctor/mirrors.ts';
import { idFacts, machineFacts, namespaceSettings } from '../../adapters/doctor/outside.ts';
import { isInside } from '../../adapters/namespace/current.ts';
import { enterNamespace } from '../../adapters/namespace/enter.ts';
import { type Found, findProject } from '../../adapters/project/find.ts';
import { load } from '../../adapters/project/load.ts';
import { DEFAULT_SETTINGS } from '../../config/settings-model.ts';
import { exitCode, type Finding, findingsText, problem } from '../../core/doctor/finding.ts';
import {
  type InsideFacts,
  judgeIds,
  judgeInside,
  judgeMachine,
  judgeMirror,
  judgeNamespaces,
} from '../../core/doctor/judge.ts';
import { has } from '../../core/options/parse.ts';
import { type CommandLineSpec, flag } from '../../core/options/spec.ts';
import { type BuiltinEntry, parsedLine } from './registry.ts';

const SPEC: CommandLineSpec = {
  name: 'vagga _doctor',
  description: 'Say what this machine lacks, and the command that helps',
  options: [flag('json', ['--json'], 'The findings as a list of check, state, message and fix')],
  positionals: [],
};

/** First word of our own command line for the part that runs with the ids of builds. */
export const EXAMINE_INSIDE = '__doctor__';
/** Two trial containers, each with its own limit. */
const INSIDE_TIMEOUT_MS = 60_000;
const PAINT = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

type Inside = { readonly facts: InsideFacts } | { readonly failure: string };

/** In another process: this one cannot come back from a user namespace. */
async function lookInside(directory: string): Promise<Inside> {
  if (isInside()) return { facts: await insideFacts(directory) };
  const script = process.argv[1] ?? '';
  const argv = [process.execPath, script, EXAMINE_INSIDE];
  const { code, stdout, stderr } = await realProc.run(argv, { timeoutMs: INSIDE_TIMEOUT_MS });
  try {
    if (code === 0) return { facts: JSON.parse(stdout) as InsideFacts };
  } catch {
    // It has said something else; the reason is below.
  }
  return { failure: stderr.trim().split('\n')[0] || `exit code ${code}` };
}

async function examine(found: Found | undefined): Promise<readonly Finding[]> {
  const directory = imagesDirectory(found);
  const loaded = found === undefined ? undefined : load(found);
  const { project, settings } = loaded?.ok
    ? loaded.cache
    : { project: undefined, settings: DEFAULT_SETTINGS };
  const [inside, mirrors] = await Promise.all([lookInside(directory), mirrorFacts(settings, project)]);
  const failure = 'failure' in inside ? inside.failure : undefined;
  const config = loaded?.ok === false ? [problem('config', loaded.text.trim(), 'vagga _dump_config')] : [];
  return [
    ...config,
    ...judgeIds(idFacts()),
    ...judgeNamespaces({ ...namespaceSettings(), failure }),
    ...('facts' in inside ? judgeInside(inside.facts) : []),
    ...judgeMachine(machineFacts(directory)),
    ...mirrors.map(judgeMirror),
  ];
}

const imagesDirectory = (found: Found | undefined) =>
  found === undefined ? process.cwd() : join(found.root, '.vagga');

/** Works without a project and with a broken one. Exit code 1 when something must be repaired. */
export async function examineMachine(words: readonly string[]): Promise<number> {
  const line = parsedLine(SPEC, words);
  if (typeof line === 'number') return line;
  const findings = await examine(findProject(process.cwd()));
  const paint = colours(process.stdout, process.env);
  const text = has(line.given, 'json')
    ? `${JSON.stringify(findings, null, 2)}\n`
    : findingsText(findings, (state, word) => paint[PAINT[state]](word));
  process.stdout.write(text);
  return exitCode(findings);
}

/** Prints facts as JSON. */
export async function examineInside(): Promise<void> {
  if (!isInside()) enterNamespace();
  process.stdout.write(JSON.stringify(await insideFacts(imagesDirectory(findProject(process.cwd())))));
}

export const doctor: BuiltinEntry = {
  title: SPEC.description ?? '',
  spec: SPEC,
  outside: true,
  run: (_, words) => examineMachine(words),
};
