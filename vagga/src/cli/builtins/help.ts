// `_help [COMMAND]`: the list of commands, or what is known of one.
import type { Project } from '../../config/model.ts';
import { listing } from '../../core/listing.ts';
import { describedText } from '../../core/options/described.ts';
import { helpText } from '../../core/options/help.ts';
import { say } from '../session.ts';
import { type BuiltinEntry, entry } from './registry.ts';

/** `builtins`: those that a project leaves to us. */
export const help = (builtins: (project: Project) => Readonly<Record<string, BuiltinEntry>>): BuiltinEntry =>
  entry(
    {
      name: 'vagga _help',
      description: 'Show help of a command',
      options: [],
      positionals: [
        {
          name: 'command',
          takes: 'optional',
          completes: 'commands',
          help: 'A command of the project or of vagga',
        },
      ],
    },
    ({ cache: { project } }, { words: [name] }) => {
      if (name === undefined) {
        process.stderr.write(listing(project));
        return 127;
      }
      const known = builtins(project);
      const own = Object.hasOwn(known, name) ? known[name] : undefined;
      const command = project.commands[name];
      const usage = `Usage:\n  vagga ${name}`;
      if (own?.spec !== undefined) process.stdout.write(helpText(own.spec));
      else if (own !== undefined) process.stdout.write(`${own.title}\n\n${usage}\n`);
      else if (command === undefined) return say(121, `Command ${name} not found.`);
      else if (command.options !== undefined)
        process.stdout.write(`${describedText(name, command).trim()}\n`);
      else {
        const about = command.description === undefined ? '' : `${command.description.trimEnd()}\n\n`;
        process.stdout.write(`${about}${usage} <OPTIONS>\n`);
      }
      return 0;
    },
  );
