// Persistent volumes that a command of the project fills before their first use.
import type { Command, Json, Project, Volume } from '../../config/model.ts';
import { mergedVolumes } from './plan.ts';

export interface InitialisedVolume {
  readonly name: string;
  readonly initCommand: string;
  /** Ids of the container. */
  readonly ownerUid: number;
  readonly ownerGid: number;
}

function initialised({ tag, value }: Volume): InitialisedVolume[] {
  const fields = value as Readonly<Record<string, Json>>;
  return tag === 'Persistent' && typeof fields.initCommand === 'string'
    ? [fields as unknown as InitialisedVolume]
    : [];
}

/** Those of the command, of its container and of its children, by name. */
export function initialisedVolumes(project: Project, command: Command): InitialisedVolume[] {
  const runs =
    command.kind === 'supervise'
      ? Object.values(command.children)
      : command.kind === 'command'
        ? [command]
        : [];
  const all = runs.flatMap(run =>
    Object.values(mergedVolumes(project.containers[run.container], run)).flatMap(initialised),
  );
  return all.filter(({ name }, index) => all.findIndex(other => other.name === name) === index);
}

/** Why a volume can never be filled. */
export function initCommandProblem(
  { commands }: Project,
  { name, initCommand }: InitialisedVolume,
): string | undefined {
  const command = commands[initCommand];
  const at = `Persistent volume ${JSON.stringify(name)} error: its init-command ${JSON.stringify(initCommand)}`;
  if (command === undefined) return `${at} does not exist`;
  return command.kind === 'command' ? undefined : `${at} must be a !Command`;
}
