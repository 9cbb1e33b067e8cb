// From the decoded schema to the model: defaults that depend on other keys, id ranges, positions.
import type { Infer } from '@suite/shared/schema/index.ts';
import { mapValues } from './by-name.ts';
import { toCommand } from './decode-commands.ts';
import { idRanges, place, tagged } from './decode-pieces.ts';
import { DEFAULT_SHELL } from './defaults.ts';
import type { Container, Project } from './model.ts';
import type { projectSchema } from './project-schema.ts';

type RawProject = Infer<typeof projectSchema>;
type RawContainer = RawProject['containers'][string];

function container({ value, node }: RawContainer, source: string): Container {
  return {
    ...value,
    ...place(node),
    source,
    setup: value.setup.map(tagged),
    defaultShell: value.defaultShell.length === 0 ? DEFAULT_SHELL : value.defaultShell,
    uids: idRanges(value.uids),
    gids: idRanges(value.gids),
    volumes: mapValues(value.volumes, tagged),
  };
}

/** `source`: the config file that all this comes from. */
export function toProject(raw: RawProject, source: string): Project {
  return {
    ...(raw.minimumVagga !== undefined && { minimumVagga: raw.minimumVagga.value }),
    containers: mapValues(raw.containers, value => container(value, source)),
    commands: mapValues(raw.commands, value => toCommand(value, source)),
  };
}
