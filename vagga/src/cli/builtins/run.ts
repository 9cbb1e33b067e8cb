// `_run CONTAINER COMMAND …`: a program in a container as if it were a command of the project.
import type { NetworkPlace } from '../../adapters/network/place.ts';
import { bareCommand } from '../../config/bare-command.ts';
import { BUILD_MODES, buildMode } from '../../core/options/build-modes.ts';
import { has } from '../../core/options/parse.ts';
import { type CommandLineSpec, flag } from '../../core/options/spec.ts';
import { imagesOf } from '../images.ts';
import { runOne } from '../run-commands.ts';
import type { Session } from '../session.ts';
import { entry, type ParsedLine } from './registry.ts';
import { unknownContainer } from './usage.ts';

export const RUN_SPEC: CommandLineSpec = {
  name: 'vagga _run',
  description: 'Run a program in a container, as root of it',
  options: [
    flag(
      'writeable',
      ['-W', '--writeable', '--writable'],
      'In a copy of the container that may be written and is removed afterwards',
    ),
    ...BUILD_MODES,
  ],
  positionals: [
    { name: 'container', takes: 'required', help: 'The container' },
    {
      name: 'command',
      takes: 'required',
      help: 'The program; without a slash it is looked for in the usual directories',
    },
    { name: 'args', takes: 'list', help: 'Its arguments' },
  ],
  stopsAtWord: true,
};

/** `networkPlace`: where it has its network. */
export async function runIn(
  session: Session,
  { given, words }: ParsedLine,
  networkPlace?: NetworkPlace,
): Promise<number> {
  const [name = '', ...argv] = words;
  if (session.cache.project.containers[name] === undefined) return unknownContainer(session, name);
  const images = await imagesOf(session, [name], buildMode(given, session.options.build));
  if (typeof images === 'number') return images;
  const writeMode = has(given, 'writeable') ? ('transient-hard-link-copy' as const) : ('read-only' as const);
  const command = { ...bareCommand(name, argv), writeMode };
  const wish = { words: [], own: {}, usualPath: true };
  const place = networkPlace === undefined ? {} : { networkPlace };
  return await runOne(session, command, images, { ...wish, ...place });
}

export const run = entry(RUN_SPEC, (session, line) => runIn(session, line));
