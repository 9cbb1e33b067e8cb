// Hands the root of a container to docker or podman as an image of one layer.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { findProgram } from '@suite/shared/linux/programs.ts';

const ENGINES = ['docker', 'podman'];

export interface LoadRequest {
  /** Command that writes the image's root as tar to its stdout; it runs in the ids of containers. */
  readonly tar: readonly string[];
  readonly image: string;
  /** Program instead of the first that is there. */
  readonly engine?: string;
}

/** Undefined when the image is there, else why not. Variables are for the editor to set. The engine runs as the caller, not in our user namespace. */
export async function loadImage({ tar, image, engine }: LoadRequest): Promise<string | undefined> {
  const program = engine ?? ENGINES.find(name => findProgram(name) !== undefined);
  if (program === undefined) return `neither ${ENGINES.join(' nor ')} is installed`;
  const [writer = '', ...words] = tar;
  const from = spawn(writer, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const to = spawn(program, ['import', '--change', 'WORKDIR /work', '-', image], {
    stdio: [from.stdout, 'ignore', 'inherit'],
  });
  // The other end has it now: when the engine ends early, the writer must notice.
  from.stdout?.destroy();
  const ended = await Promise.all([once(from, 'close'), once(to, 'close')]).catch((error: Error) => error);
  if (ended instanceof Error) return ended.message;
  const [[written], [read]] = ended;
  if (read !== 0) return `${program} import ended with ${read}`;
  return written === 0 ? undefined : `the image could not be read (code ${written})`;
}
