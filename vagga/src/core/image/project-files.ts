// Files of the project that package managers read: their text, and their JSON.
import type { HashWorld } from './emit.ts';
import type { FieldWriter } from './fields.ts';
import { NotHashable } from './not-hashable.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `dir` as written in a step, relative to the project; `.` and nothing are the project itself. */
export function projectFile(dir: string | undefined, name: string): string {
  const parts = [...(dir ?? '').split('/'), name].filter(part => part !== '' && part !== '.');
  return ['/work', ...parts].join('/');
}

export function requiredText(world: HashWorld, path: string): string {
  const text = world.tree.readText(path);
  if (text === undefined) throw new NotHashable('failed', `${path} does not exist`);
  return text;
}

/** A byte order mark, as some editors of Windows leave one, is no part of the JSON. */
export function requiredJson(world: HashWorld, path: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(requiredText(world, path).replace(/^\ufeff/, ''));
  } catch (error) {
    if (error instanceof NotHashable) throw error;
    throw new NotHashable('failed', `${path}: ${(error as Error).message}`);
  }
  if (!isObject(value)) throw new NotHashable('failed', `${path}: a JSON object was expected`);
  return value;
}

export const isThere = (world: HashWorld, path: string): boolean => world.tree.stat(path) !== undefined;

/** The content, if it is there. */
export function emitOptional(out: FieldWriter, world: HashWorld, path: string): void {
  if (isThere(world, path)) out.file(path, world.tree.pieces(path));
}

/** For what a package manager makes, perhaps within the build: without it nothing is known yet. */
export function checkReady(world: HashWorld, path: string): void {
  if (!isThere(world, path)) throw new NotHashable('not-ready', `${path} does not exist yet`);
}

export function emitReady(out: FieldWriter, world: HashWorld, path: string): void {
  checkReady(world, path);
  out.file(path, world.tree.pieces(path));
}
