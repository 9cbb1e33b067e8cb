// `!Download`, `!Tar`, `!TarInstall`, `!Unzip`.
import type { ArchiveAction } from './archive-actions.ts';
import { done, type PlanStep, refuse } from './state.ts';

type Values<K extends ArchiveAction['kind']> = Omit<Extract<ArchiveAction, { kind: K }>, 'kind'>;

const SHA256 = /^[0-9a-f]{1,64}$/;

/** Given digits that no checksum has would make every download fail, late. */
function sourceProblem({ url, sha256 }: { url: string; sha256?: string }): string | undefined {
  if (sha256 !== undefined && !SHA256.test(sha256)) {
    return `sha256 is 1 to 64 digits 0-9, a-f, not ${JSON.stringify(sha256)}`;
  }
  if (/^(\.|\/volumes\/)/.test(url) || /^https?:\/\/[^/]/.test(url)) return undefined;
  return `url starts with http://, https://, ./ or /volumes/, not ${JSON.stringify(url)}`;
}

export const planDownload: PlanStep = (value, state) => {
  const download = value as unknown as Values<'download'>;
  const problem = sourceProblem(download);
  return problem === undefined ? done(state, { kind: 'download', ...download }) : refuse(problem);
};

const planUnpack =
  (format: 'tar' | 'zip'): PlanStep =>
  (value, state) => {
    const archive = value as unknown as Omit<Values<'unpack'>, 'format'>;
    const problem = sourceProblem(archive);
    return problem === undefined ? done(state, { kind: 'unpack', format, ...archive }) : refuse(problem);
  };

export const planTar = planUnpack('tar');
export const planUnzip = planUnpack('zip');

export const planTarInstall: PlanStep = (value, state) => {
  const install = value as unknown as Omit<Values<'tar-install'>, 'env' | 'caches'>;
  const problem = sourceProblem(install);
  const { env, caches } = state;
  return problem === undefined
    ? done(state, { kind: 'tar-install', ...install, env, caches })
    : refuse(problem);
};
