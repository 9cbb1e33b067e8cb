// Steps that put files into the image or take them out.
import { filterProblem } from '../image/tree.ts';
import { copyAction } from './other-containers.ts';
import { type BuildAction, type CopyValue, done, type PlanStep, refuse } from './state.ts';

export const planText: PlanStep = (value, state) => {
  const files = Object.entries(value as Record<string, string>).sort(([a], [b]) => (a < b ? -1 : 1));
  const relative = files.find(([path]) => !path.startsWith('/'));
  if (relative !== undefined) return refuse(`path must be absolute: ${relative[0]}`);
  return done(
    state,
    ...files.map(([path, text]): BuildAction => ({ kind: 'write-file', path, text, mode: 0o644 })),
  );
};

export const planCopy: PlanStep = (value, state) => {
  const copy = value as unknown as CopyValue;
  const problem =
    filterProblem(copy) ?? (copy.source.startsWith('/') ? undefined : 'source must be absolute');
  return problem === undefined ? done(state, copyAction(state, copy)) : refuse(problem);
};

/** Only feeds the identity of the image. */
export const planDepends: PlanStep = (_value, state) => done(state);

export const planEnsureDir: PlanStep = (value, state) => {
  const path = value as string;
  const next = { ...state, ensureDirs: [...state.ensureDirs, path] };
  return done(next, { kind: 'ensure-directory', path, mode: 0o755 });
};

export const planEmptyDir: PlanStep = (value, state) => {
  const path = value as string;
  return done({ ...state, emptyDirs: [...state.emptyDirs, path] }, { kind: 'empty-directory', path });
};

export const planRemove: PlanStep = (value, state) => {
  const path = value as string;
  return done({ ...state, removed: [...state.removed, path] }, { kind: 'remove', path });
};

/** The directory is the cache's while the build runs; the image keeps an empty one. What is a cache already stays that. */
export const planCacheDirs: PlanStep = (value, state) => {
  const wanted = value as Record<string, string>;
  const bad = Object.entries(wanted).find(
    ([path, name]) => !path.startsWith('/') || !/^[^/.][^/]*$/.test(name),
  );
  if (bad !== undefined) return refuse(`cannot use ${bad[0]}: ${bad[1]} as a cache`);
  const made = Object.keys(wanted)
    .filter(path => !Object.hasOwn(state.caches, path))
    .flatMap((path): BuildAction[] => [
      { kind: 'ensure-directory', path, mode: 0o755 },
      { kind: 'empty-directory', path },
    ]);
  return done({ ...state, caches: { ...wanted, ...state.caches } }, ...made);
};
