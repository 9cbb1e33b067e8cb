// The options that every supervise command without `options` has.
import type { SuperviseCommand } from '../../config/model.ts';
import { BUILD_MODES } from '../options/build-modes.ts';
import { type CommandLineSpec, flag } from '../options/spec.ts';

export function superviseSpec(name: string, { description }: SuperviseCommand): CommandLineSpec {
  return {
    name: `vagga ${name}`,
    ...(description !== undefined && { description }),
    options: [
      {
        names: ['--only'],
        key: 'only',
        takes: 'many',
        metavar: 'NAME',
        help: 'Run only the children with these names or tags',
      },
      {
        names: ['--exclude'],
        key: 'exclude',
        takes: 'many',
        metavar: 'NAME',
        help: 'Run all but the children with these names or tags',
      },
      ...BUILD_MODES,
      flag('no-log-prefix', ['--no-log-prefix'], 'Show lines as they are, without the name of the child'),
      flag('timestamps', ['--timestamps'], 'Show when each line came'),
    ],
    positionals: [],
  };
}
