// `env-files` of a command: files of the project with lines NAME=VALUE.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ENV_FILE_BYTES_MAX } from '../../config/defaults.ts';
import type { RunCommand } from '../../config/model.ts';
import { parseVariables } from '../../core/run/assigned.ts';

function readVariables(root: string, name: string): Record<string, string> | string {
  const path = join(root, name);
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return `env-files: ${name} is not a regular file`;
    if (stat.size > ENV_FILE_BYTES_MAX) return `env-files: ${name} has more than ${ENV_FILE_BYTES_MAX} bytes`;
    const parsed = parseVariables(readFileSync(path, 'utf8'));
    return typeof parsed === 'number'
      ? `${name}:${parsed}: error: write NAME=VALUE, or # in front of a comment`
      : parsed;
  } catch (error) {
    return `env-files: ${name} cannot be read: ${(error as Error).message}`;
  }
}

/** The command with the variables of its files below its own; later files win. Or what is wrong. */
export function withEnvFiles<T extends RunCommand>(root: string, command: T): T | string {
  let variables: Record<string, string> = {};
  for (const name of command.envFiles) {
    const read = readVariables(root, name);
    if (typeof read === 'string') return read;
    variables = { ...variables, ...read };
  }
  return { ...command, environ: { ...variables, ...command.environ } };
}
