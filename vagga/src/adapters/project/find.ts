// Which directory is the project: from the current one upwards.
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CONFIG_FILES, LOCAL_MIXINS, MISTAKEN_FILES } from '../../config/defaults.ts';

export interface Found {
  readonly root: string;
  /** Absolute; undefined when only local mixins make it a project. */
  readonly mainFile: string | undefined;
}

/** In a directory of somebody else that we may not look into there is nothing for us. */
function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return false;
    throw error;
  }
}

export function findProject(start: string): Found | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    for (const name of CONFIG_FILES) {
      const mainFile = join(directory, name);
      if (isFile(mainFile)) return { root: directory, mainFile };
    }
    if (LOCAL_MIXINS.some(name => isFile(join(directory, name))))
      return { root: directory, mainFile: undefined };
    if (directory === dirname(directory)) return undefined;
  }
}

/** Files with a nearly right name, from `start` upwards: when no project was found, the reason is probably one of them. */
export function mistakenFiles(start: string): string[] {
  const here = MISTAKEN_FILES.map(name => join(start, name)).filter(isFile);
  return start === dirname(start) ? here : [...here, ...mistakenFiles(dirname(start))];
}

export const mistaken = (file: string): string => `${file} is not read; did you mean vagga.yaml?`;
