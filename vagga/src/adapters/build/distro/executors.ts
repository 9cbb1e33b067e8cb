// The table from what distributions and package managers do to what carries it out.
import { rmSync, symlinkSync } from 'node:fs';
import type { PackageAction } from '../../../core/steps/package-actions.ts';
import type { BuildContext } from '../context.ts';
import { thenHostFiles } from '../host-files.ts';
import { inRoot } from '../in-root.ts';
import { addApkRepository, bootstrapAlpine, runApk } from './alpine.ts';
import { aptGet } from './apt-get.ts';
import { writeAptSource, writeUniverse } from './apt-sources.ts';
import { trustKeys } from './apt-trust.ts';
import { bootstrapDebian } from './debian.ts';
import { bootstrapUbuntu } from './ubuntu.ts';
import { unpackUbuntu } from './ubuntu-archive.ts';

type Kind = PackageAction['kind'];
type Of<K extends Kind> = Extract<PackageAction, { kind: K }>;
type Execute<K extends Kind> = (
  context: BuildContext,
  action: Of<K>,
) => Promise<string | undefined> | undefined;

export const PACKAGE_EXECUTORS: { readonly [K in Kind]: Execute<K> } = {
  'bootstrap-debian': (context, action) => thenHostFiles(context, bootstrapDebian(context, action)),
  'bootstrap-ubuntu': (context, { codename, arch }) =>
    thenHostFiles(context, bootstrapUbuntu(context, codename, arch)),
  'unpack-ubuntu': (context, { url, codename }) => unpackUbuntu(context, url, codename),
  'apt-get': aptGet,
  'apt-source': writeAptSource,
  'apt-universe': writeUniverse,
  'apt-trust': (context, { server, keys }) => trustKeys(context, server, keys),
  'bootstrap-alpine': (context, action) => thenHostFiles(context, bootstrapAlpine(context, action)),
  apk: runApk,
  'apk-repository': addApkRepository,
  note: ({ log }, { text }) => {
    log.write(`${text}\n`);
    return undefined;
  },
  symlink: ({ root }, { path, target }) => {
    const place = inRoot(root, path, false);
    rmSync(place, { force: true });
    symlinkSync(target, place);
    return undefined;
  },
};
