// `_build_shell`: a shell beside all containers; with a container one in its build as far as that went well; with
// `--failed NAME` one where a build has failed.
import { dependenciesIn } from '../../adapters/build/dependencies.ts';
import { shellInFailed } from '../../adapters/build/failed-shell.ts';
import { shellInKnown } from '../../adapters/build/known-shell.ts';
import { DiskWorld } from '../../adapters/image/hash-world.ts';
import type { Container } from '../../config/model.ts';
import { valuesOf } from '../../core/options/parse.ts';
import { valued } from '../../core/options/spec.ts';
import { BARE_PLACE, runCapsule } from '../capsule.ts';
import { type Session, say } from '../session.ts';
import { entry } from './registry.ts';
import { unknownContainer } from './usage.ts';

type Wish = { readonly name: string; readonly container: Container };

async function inFailed(session: Session, { name, container }: Wish): Promise<number> {
  const engine = await session.engine();
  if ('error' in engine) return say(121, engine.error);
  const ended = await shellInFailed({ layout: session.layout, name, ids: container, engine });
  return typeof ended === 'string' ? say(121, ended) : ended;
}

/** What it starts from is built first. */
async function inKnown(session: Session, wish: Wish, step: number | undefined): Promise<number> {
  const { name, container } = wish;
  const { project } = session.cache;
  const before = dependenciesIn(project, new DiskWorld(session.layout, project))(container);
  const parents = await session.build(before, { whole: true });
  if (typeof parents === 'number') return parents;
  const engine = await session.engine();
  if ('error' in engine) return say(121, engine.error);
  const { layout, cache } = session;
  const line = (text: string) => void say(0, text);
  const request = { layout, name, ids: container, engine, cache, parents, step, say: line };
  const ended = await shellInKnown(request);
  return typeof ended === 'string' ? say(121, ended) : ended;
}

export const buildShell = entry(
  {
    name: 'vagga _build_shell',
    description: 'Open a shell in the capsule, or in the build of a container',
    options: [
      valued(
        'step',
        ['--step'],
        'N',
        'After this step of the container; else after the last one that went well',
      ),
      valued('failed', ['--failed'], 'NAME', 'What the failed step of this container has left'),
    ],
    positionals: [{ name: 'container', takes: 'optional', completes: 'containers' }],
  },
  async (session, { given, words }) => {
    const failed = valuesOf(given, 'failed').at(-1);
    const step = valuesOf(given, 'step').at(-1);
    const name = failed ?? words[0];
    if (step !== undefined && !/^[1-9]\d{0,3}$/.test(step))
      return say(122, `vagga _build_shell: --step takes the number of a step, from 1`);
    if (name === undefined && step !== undefined)
      return say(122, 'vagga _build_shell: --step of which container?');
    if (name === undefined) return await runCapsule(session, BARE_PLACE, ['/bin/sh'], {});
    const container = session.cache.project.containers[name];
    if (container === undefined) return unknownContainer(session, name);
    if (failed !== undefined) return await inFailed(session, { name, container });
    return await inKnown(session, { name, container }, step === undefined ? undefined : Number(step));
  },
);
