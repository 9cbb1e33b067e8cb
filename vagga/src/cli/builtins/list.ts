// `_list`: commands, aliases and containers for people and scripts.
import type { Project } from '../../config/model.ts';
import { containerRows, listRows, zshRows } from '../../core/listing.ts';
import { has } from '../../core/options/parse.ts';
import { flag } from '../../core/options/spec.ts';
import { type BuiltinEntry, entry } from './registry.ts';

/** `titles`: the built-in commands and what they do, without those whose names the project has. */
export const list = (titles: (project: Project) => readonly (readonly [string, string])[]): BuiltinEntry =>
  entry(
    {
      name: 'vagga _list',
      description: 'List commands or containers',
      options: [
        flag('containers', ['--containers'], 'Containers instead of commands'),
        flag('all', ['-A', '--all'], 'Hidden commands and those of vagga too'),
        flag('builtin', ['--builtin'], 'Nothing more than --all'),
        flag('hidden', ['--hidden'], 'The same as --all'),
        flag('zsh', ['--zsh'], 'As NAME:DESCRIPTION'),
        flag('no-aliases', ['--no-aliases'], 'Without the further names of commands'),
        flag('verbose', ['-v', '--verbose'], 'With the file that defines each'),
      ],
      positionals: [],
    },
    ({ cache: { project } }, { given }) => {
      const options = {
        hidden: has(given, 'hidden') || has(given, 'all'),
        aliases: !has(given, 'no-aliases'),
        verbose: has(given, 'verbose'),
      };
      const rows = has(given, 'zsh') ? zshRows : listRows;
      process.stdout.write(
        has(given, 'containers')
          ? containerRows(project, options.verbose)
          : rows(project, titles(project), options),
      );
      return 0;
    },
    2,
  );
