// `git describe` of a repository of the project.
import { lstatSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gitNow } from './now.ts';

export type Described =
  | {
      readonly ok: true;
      readonly text: string /** The answer holds until one of these changes. */;
      readonly files: readonly string[];
    }
  | { readonly ok: false; readonly message: string };

function git(directory: string, words: readonly string[]): string | Error {
  const answer = gitNow(['-C', directory, ...words]);
  return answer instanceof Error ? answer : answer.toString('utf8').trim();
}

/** A directory and everything below it; what is not there counts as such. */
function below(path: string): string[] {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path];
  return [path, ...readdirSync(path).flatMap(name => below(join(path, name)))];
}

/** HEAD is of the working tree, branches and tags are of the repository; they differ for further working trees. */
function filesOf(directory: string): string[] {
  const answer = git(directory, ['rev-parse', '--git-dir', '--git-common-dir']);
  if (answer instanceof Error) return [];
  const [own = '', common = ''] = answer.split('\n').map(path => resolve(directory, path));
  return [
    join(own, 'HEAD'),
    join(common, 'packed-refs'),
    ...below(join(common, 'refs')),
    ...below(join(common, 'reftable')),
  ];
}

/** As a step of the format does it: annotated tags only. `pattern`: only those that match. */
export function describeNow(directory: string, pattern: string | undefined): Described {
  const text = git(directory, ['describe', ...(pattern === undefined ? [] : ['--match', pattern])]);
  if (text instanceof Error)
    return { ok: false, message: `git describe of ${directory} failed: ${text.message}` };
  return { ok: true, text, files: filesOf(directory) };
}
