import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, Contender, Defer, Prepared } from './harness.ts';
import { timedRun } from './timed.ts';

// How long plain `vagga` takes to say what can be done in a project: people type it all day long.

const COMMANDS = 30;

function config(commands: number): string {
  const container =
    'containers:\n  app:\n    setup:\n    - !Debian bookworm\n    - !Install [python3, git]\ncommands:\n';
  const command = (index: number) =>
    `  command-${index}: !Command\n    container: app\n    description: Does thing number ${index}\n    run: [python3, -m, thing${index}]\n`;
  return container + Array.from({ length: commands }, (_, index) => command(index)).join('');
}

function listing(name: string, role: Contender['role'], words: readonly string[], cwd: string): Contender {
  return { name, role, run: () => timedRun(words, { cwd, code: 127 }) };
}

async function prepare(defer: Defer): Promise<Prepared> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-vagga-list-'));
  defer(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'vagga.yaml'), config(COMMANDS));
  const vagga = join(process.env.SUITE_ROOT ?? '.', 'node_modules/.bin/vagga');
  const node: Contender = {
    name: 'node, empty program',
    role: 'raw',
    run: () => timedRun([process.execPath, '-e', '']),
  };
  const help: Contender = {
    name: 'vagga --help',
    role: 'peer',
    run: () => timedRun([vagga, '--help'], { cwd: directory }),
  };
  return {
    contenders: [listing(`vagga, ${COMMANDS} commands`, 'ours', [vagga], directory), node, help],
    notes: ['bar: the listing ≤ 25 ms, ≤ an empty Node + 10 ms'],
  };
}

export const vaggaList: Bench = {
  name: 'vagga-list',
  summary: 'the list of commands, start to end',
  rounds: 40,
  prepare,
};
