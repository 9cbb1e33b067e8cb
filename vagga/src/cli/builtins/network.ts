// `_network KIND …`: parts the network of a test and joins it again. It works inside a `!BridgeCommand`, where there may be no project.
import { readNetwork, runAt, setReach } from '../../adapters/network/inside.ts';
import { NetworkError } from '../../adapters/network/namespaces.ts';
import { findNode, partition } from '../../core/network/partition.ts';
import type { NetworkPlan } from '../../core/network/plan.ts';
import type { CommandLineSpec } from '../../core/options/spec.ts';
import { say } from '../session.ts';
import { entry, parsedLine } from './registry.ts';

const SPEC = {
  name: 'vagga _network',
  description: 'Part the network of a test, or join it again',
  options: [],
  positionals: [
    {
      name: 'kind',
      takes: 'required' as const,
      help: 'fullmesh | isolate NODE… | split NODE… -- NODE… | disjoint NODE… -- NODE… | run NODE PROGRAM ARGUMENTS…',
    },
    { name: 'nodes', takes: 'list' as const, help: 'Names of children, or their addresses' },
  ],
  stopsAtWord: true,
};

const NODES = [{ name: 'nodes', takes: 'list!' as const, help: 'Names of children, or their addresses' }];

/** Of the kinds that are there; each has a command line of its own. */
const KINDS: Readonly<Record<string, Pick<CommandLineSpec, 'positionals' | 'stopsAtWord'>>> = {
  fullmesh: { positionals: [] },
  isolate: { positionals: NODES },
  split: { positionals: NODES },
  disjoint: { positionals: NODES },
  run: {
    positionals: [
      { name: 'node', takes: 'required', help: 'In whose place it runs' },
      { name: 'cmd', takes: 'required', help: 'The program' },
      { name: 'args', takes: 'list', help: 'Its arguments' },
    ],
    stopsAtWord: true,
  },
};

/** The exit code of help or of words that no such kind has. */
function refusedLine(kind: string, words: readonly string[]): number | undefined {
  if (kind === '' || kind.startsWith('-')) {
    const line = parsedLine(SPEC, [kind, ...words].filter(Boolean), WRONG_OPTIONS);
    return typeof line === 'number' ? line : undefined;
  }
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (known === undefined) return undefined;
  const line = parsedLine({ name: `vagga_network ${kind}`, options: [], ...known }, words, WRONG_OPTIONS);
  return typeof line === 'number' ? line : undefined;
}

/** One is what the network says. */
const WRONG_OPTIONS = 2;

const OUTSIDE = 'This command is supposed to be run inside container started by vagga !Supervise command';

function apply(plan: NetworkPlan, kind: string, words: readonly string[]): number {
  if (kind === 'run') {
    const [name = '', ...argv] = words;
    const found = findNode(plan, name);
    if (!found.ok) return say(1, found.message);
    return runAt(found.node, argv);
  }
  const parts = partition(plan, kind, words);
  if (!parts.ok) return say(1, parts.message);
  for (const [node, reach] of parts.reach) setReach(node, reach);
  return 0;
}

/** The exit code. `words` follow `_network`. */
export function changeNetwork(words: readonly string[]): number {
  const plan = readNetwork();
  const [kind = '', ...rest] = words;
  const refused = refusedLine(kind, rest);
  if (refused !== undefined) return refused;
  if (plan === undefined) return say(1, OUTSIDE);
  try {
    return apply(plan, kind, rest);
  } catch (error) {
    if (error instanceof NetworkError) return say(1, error.message);
    throw error;
  }
}

export const network = {
  ...entry(SPEC, () => 1),
  run: (_: unknown, words: readonly string[]) => changeNetwork(words),
  outside: true,
};
