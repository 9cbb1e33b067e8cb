// `_run CONTAINER COMMAND …`: a program in a container as if it were a command of the project.
import { bareCommand } from '../../config/bare-command.ts';
import { imagesOf } from '../images.ts';
import { runOne } from '../run-commands.ts';
import type { Session } from '../session.ts';
import { unknownContainer, usage } from './usage.ts';

export async function run(session: Session, words: readonly string[]): Promise<number> {
  const [name, ...argv] = words;
  if (name?.startsWith('-'))
    return usage('_run', 'CONTAINER COMMAND [ARGS ...]', `${name} is not available yet`);
  if (name === undefined || argv.length === 0) {
    return usage(
      '_run',
      'CONTAINER COMMAND [ARGS ...]',
      `Argument ${name === undefined ? 'CONTAINER' : 'COMMAND'} is required`,
    );
  }
  if (session.cache.project.containers[name] === undefined) return unknownContainer(session, name);
  const images = await imagesOf(session, [name], session.options.build);
  if (typeof images === 'number') return images;
  return await runOne(session, bareCommand(name, argv), images, { words: [], own: {} });
}
