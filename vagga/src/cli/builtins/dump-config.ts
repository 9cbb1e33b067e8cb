// `_dump_config [--pretty]`: the merged config as JSON.
import { dumpConfig } from '../../core/dump.ts';
import { has } from '../../core/options/parse.ts';
import { flag } from '../../core/options/spec.ts';
import { entry } from './registry.ts';
import { print } from './usage.ts';

export const dumpProject = {
  ...entry(
    {
      name: 'vagga _dump_config',
      description: 'Print the whole config as JSON',
      options: [flag('pretty', ['--pretty'], 'Indented, for people')],
      positionals: [],
    },
    ({ cache }, { given }) =>
      print(JSON.stringify(dumpConfig(cache.project), null, has(given, 'pretty') ? 2 : 0)),
    2,
  ),
  outside: true,
};
