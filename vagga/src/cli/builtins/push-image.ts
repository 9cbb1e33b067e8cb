// `_push_image NAME`: packs a container and hands it to the script of the settings, from where `image-cache-url` gets it.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { packRoot } from '../../adapters/image/pack.ts';
import { runPushScript } from '../../adapters/image/push-script.ts';
import { BUILD_MODES, buildMode } from '../../core/options/build-modes.ts';
import { wholeImage } from '../images.ts';
import { orInterrupted } from '../interrupts.ts';
import { type Session, say } from '../session.ts';
import { entry } from './registry.ts';
import { unknownContainer } from './usage.ts';

async function push(
  { layout }: Session,
  [name, hash]: readonly [string, string],
  script: string,
  signal: AbortSignal,
): Promise<number> {
  const archive = join(layout.image(name, hash), 'image.tar.xz');
  try {
    say(0, 'The image will be compressed by xz');
    await packRoot(layout.rootOf(name, hash), 'xz', archive, signal);
    const variables = { image_path: archive, container_name: name, short_hash: hash.slice(0, 8) };
    const code = await runPushScript(script, layout.root, variables, signal);
    return code === 0 ? 0 : say(121, `push-image-script ended with code ${code}`);
  } finally {
    rmSync(archive, { force: true });
  }
}

export const pushImage = entry(
  {
    name: 'vagga _push_image',
    description: 'Pack a container and store it with the push-image-script of the settings',
    options: BUILD_MODES,
    positionals: [{ name: 'name', takes: 'required', completes: 'containers', help: 'The container' }],
  },
  async (session, { given, words: [name = ''] }) => {
    if (session.cache.project.containers[name] === undefined) return unknownContainer(session, name);
    const hash = await wholeImage(session, name, buildMode(given, 'no-image-download'));
    if (typeof hash === 'number') return hash;
    const script = session.cache.settings.pushImageScript;
    if (script === undefined) return say(121, 'There is no push-image-script in the settings');
    return await orInterrupted(
      signal => push(session, [name, hash], script, signal),
      error => say(121, `Cannot push the image: ${error.message}`),
    );
  },
);
