// `_network KIND …`: parts the network of a test and joins it again. It works inside a `!BridgeCommand`, where there may be no project.
import { readNetwork, runAt, setReach } from '../../adapters/network/inside.ts';
import { NetworkError } from '../../adapters/network/namespaces.ts';
import { findNode, partition } from '../../core/network/partition.ts';
import type { NetworkPlan } from '../../core/network/plan.ts';
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

const OUTSIDE = 'This command is supposed to be run inside container started by vagga !Supervise command';

function apply(plan: NetworkPlan, kind: string, words: readonly string[]): number {
  if (kind === 'run') {
    const [name = '', ...argv] = words;
    const found = findNode(plan, name);
    if (!found.ok) return say(1, found.message);
    return argv.length === 0 ? say(1, 'run NODE PROGRAM ARGUMENTS…') : runAt(found.node, argv);
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
  if (kind === '' || kind.startsWith('-')) {
    const line = parsedLine(SPEC, words);
    return typeof line === 'number' ? line : 1;
  }
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
