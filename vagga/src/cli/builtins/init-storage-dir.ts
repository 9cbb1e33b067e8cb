// `_init_storage_dir`: chooses the project's directory in the storage by hand.
import { initStorage } from '../../adapters/storage/storage-dir.ts';
import { has } from '../../core/options/parse.ts';
import { flag } from '../../core/options/spec.ts';
import { say } from '../session.ts';
import { entry } from './registry.ts';

/** One is what the storage says. */
const WRONG_OPTIONS = 2;

export const initStorageDir = entry(
  {
    name: 'vagga _init_storage_dir',
    description: 'Choose the directory of this project in the storage-dir (rarely needed)',
    options: [flag('allow-multiple', ['--allow-multiple'], 'Other projects may share it')],
    positionals: [{ name: 'subdir', takes: 'required', help: 'Its name' }],
  },
  ({ layout }, { given, words }) => {
    const problem = initStorage(layout, words[0] ?? '', has(given, 'allow-multiple'));
    return problem === undefined ? 0 : say(1, problem);
  },
  WRONG_OPTIONS,
);
