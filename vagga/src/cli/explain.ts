// `--explain`: the plan instead of the run.
import { relative } from 'node:path';
import { isUsable } from '../adapters/image/complete.ts';
import { hashContainer } from '../adapters/image/identity.ts';
import { LayerStore } from '../adapters/layers/store.ts';
import { type ContainerState, type ExplainedCommand, explain } from '../core/explain.ts';
import type { Session } from './session.ts';

function stateOf({ layout, cache }: Session): (name: string) => ContainerState {
  const store = new LayerStore(layout.layers);
  const known = new Map<string, ContainerState>();
  const look = (name: string): ContainerState => {
    const container = cache.project.containers[name];
    const found = hashContainer(layout, cache.project, name);
    if (container === undefined || found.kind !== 'hashed')
      return { kind: 'unknown', reason: found.kind === 'hashed' ? 'it is not in the config' : found.message };
    const built = isUsable(layout, store, name, found.hash, container);
    return { kind: built ? 'built' : 'absent', hash: found.hash };
  };
  return name => {
    const state = known.get(name) ?? look(name);
    known.set(name, state);
    return state;
  };
}

/** Prints it; the exit code. */
export function explainCommands(session: Session, commands: readonly ExplainedCommand[]): number {
  const { cache, layout, variables } = session;
  const below = relative(layout.root, process.cwd());
  process.stdout.write(
    explain({ project: cache.project, commands, stateOf: stateOf(session), below, variables }),
  );
  return 0;
}
