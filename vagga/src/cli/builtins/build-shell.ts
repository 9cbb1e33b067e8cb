// `_build_shell`: a shell beside all containers; with `--failed NAME` one where a build has failed.
import { shellInFailed } from '../../adapters/build/failed-shell.ts';
import { valuesOf } from '../../core/options/parse.ts';
import { valued } from '../../core/options/spec.ts';
import { BARE_PLACE, runCapsule } from '../capsule.ts';
import { say } from '../session.ts';
import { entry } from './registry.ts';
import { unknownContainer } from './usage.ts';

export const buildShell = entry(
  {
    name: 'vagga _build_shell',
    description: 'Open a shell in the capsule, or in the half-built container of a failed build',
    options: [valued('failed', ['--failed'], 'NAME', 'The container whose build has failed')],
    positionals: [],
  },
  async (session, { given }) => {
    const name = valuesOf(given, 'failed').at(-1);
    if (name === undefined) return await runCapsule(session, BARE_PLACE, ['/bin/sh'], {});
    const container = session.cache.project.containers[name];
    if (container === undefined) return unknownContainer(session, name);
    const engine = await session.engine();
    if ('error' in engine) return say(121, engine.error);
    const ended = await shellInFailed({ layout: session.layout, name, ids: container, engine });
    return typeof ended === 'string' ? say(121, ended) : ended;
  },
);
