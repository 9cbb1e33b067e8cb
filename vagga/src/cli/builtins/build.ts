// `_build NAME`: a container, without running anything in it.
import { has } from '../../core/options/parse.ts';
import { flag } from '../../core/options/spec.ts';
import { entry } from './registry.ts';
import { unknownContainer } from './usage.ts';

export const build = entry(
  {
    name: 'vagga _build',
    description: 'Build a container',
    options: [
      flag('force', ['--force'], 'Build it and what it starts from again, even when they are up to date'),
    ],
    positionals: [{ name: 'container', takes: 'optional' }],
  },
  async (session, { given, words }) => {
    const [name = ''] = words;
    if (session.cache.project.containers[name] === undefined) return unknownContainer(session, name);
    const built = await session.build([name], { force: has(given, 'force'), whole: true });
    return typeof built === 'number' ? built : 0;
  },
);
