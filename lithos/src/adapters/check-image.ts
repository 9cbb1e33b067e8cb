// Whether an image has what the start of a container will need. It works from inside another container too: what cannot
// be seen from there is not complained about.
import { realpathSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkMountPoints } from '@suite/shared/oci/mount-points.ts';
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import { secretEnvironSchema } from '../config/container.ts';
import { diagnostic, locate } from '../config/locate.ts';
import { instanceOf } from '../core/desired/instances.ts';
import { isBelow } from '../core/desired/paths.ts';
import { fileInImage } from '../core/desired/secrets.ts';
import type { EntrySources, SandboxSources } from '../core/desired/sources.ts';
import type { DesiredInstance } from '../core/desired/types.ts';
import { mountsOf } from './bundle.ts';
import { type Backing, hasRegularFile, lookUp, lookUpIn } from './image.ts';
import type { Round } from './load-entry.ts';
import { readConfig } from './read-yaml.ts';

interface Subject {
  readonly round: Round;
  readonly entry: EntrySources;
  readonly container: NonNullable<EntrySources['container']>;
  readonly instance: DesiredInstance;
}

type Path = readonly (string | number)[];

function missing({ container }: Subject, code: string, message: string, path: Path): Diagnostic {
  return diagnostic(code, 'error', message, locate(container.node, path));
}

/**
 * The image; what lies below a volume is unknown: a check inside another container may see something else under the
 * same path, or nothing.
 */
function imageAlone({ imageRoot, volumes }: DesiredInstance): Backing {
  return virtual =>
    volumes.some(({ target }) => isBelow(virtual, target)) ? undefined : join(imageRoot, virtual);
}

async function executableRule(subject: Subject): Promise<Diagnostic[]> {
  const { executable } = subject.container.value;
  const { image } = subject.entry.entry;
  const found = await lookUpIn(imageAlone(subject.instance), executable);
  if (found.kind === 'unknown') return [];
  const bad = (message: string) => [missing(subject, 'executable-missing', message, ['executable'])];
  if (found.kind !== 'file') return bad(`${executable} is no file of image ${image}`);
  const { mode } = await stat(found.hostPath);
  return (mode & 0o111) === 0 ? bad(`${executable} in image ${image} has no permission to be executed`) : [];
}

/** Some runtimes would make it, in the image. */
async function workdirRule(subject: Subject): Promise<Diagnostic[]> {
  const { workdir } = subject.container.value;
  const found = await lookUpIn(imageAlone(subject.instance), workdir);
  const isFixed = ['/proc', '/sys', '/dev'].some(fixed => isBelow(workdir, fixed));
  if (isFixed || found.kind === 'unknown' || found.kind === 'directory') return [];
  const message = `${workdir} is no directory of image ${subject.entry.entry.image}`;
  return [missing(subject, 'workdir-missing', message, ['workdir'])];
}

/** Links followed, as the mount will; undefined when it cannot be seen from here. */
function realSource(source: string | undefined): string | undefined {
  try {
    return source === undefined ? undefined : realpathSync(source);
  } catch {
    return undefined;
  }
}

/** What stands in for an invisible source is a directory, so a complaint about its kind would mean nothing. */
async function mountPointRule(subject: Subject): Promise<Diagnostic[]> {
  const { instance, entry } = subject;
  const mounts = mountsOf(instance, '/', { resolvConf: false, hosts: false });
  const sources = mounts.map(({ source }) => realSource(source));
  const shown = mounts.map((mount, index): SandboxMount => {
    const source = sources[index];
    return source === undefined
      ? { type: 'tmpfs', target: mount.target, readonly: false }
      : { ...mount, source };
  });
  const hidden = new Set(
    mounts.filter((_, index) => sources[index] === undefined).map(({ target }) => target),
  );
  const problems = await checkMountPoints(instance.imageRoot, shown);
  return problems
    .filter(({ target, reason }) => !hidden.has(target) || !reason.startsWith('is a file'))
    .map(({ target, reason }) => {
      const message = `${target} in image ${entry.entry.image}: ${reason}`;
      return missing(subject, 'mount-point-missing', message, ['volumes', target]);
    });
}

/** `mount: true` needs a file to mount over; null looks for one. */
async function etcRule(subject: Subject): Promise<Diagnostic[]> {
  const files = [
    { key: 'resolv-conf', name: 'resolv.conf', mount: subject.instance.etc.resolvConf.mount },
    { key: 'hosts-file', name: 'hosts', mount: subject.instance.etc.hosts.mount },
  ];
  const { instance } = subject;
  const isHidden = (path: string) => instance.volumes.some(({ target }) => isBelow(path, target));
  const found: Diagnostic[] = [];
  for (const { key, name, mount } of files) {
    if (mount !== true || isHidden(`/etc/${name}`)) continue;
    if (await hasRegularFile(instance, 'etc', name)) continue;
    const message = `image ${subject.entry.entry.image} has no regular file /etc/${name} to mount over`;
    found.push(missing(subject, 'mount-point-missing', message, [key, 'mount']));
  }
  return found;
}

async function secretFileRule(subject: Subject): Promise<Diagnostic[]> {
  const { secretEnvironFile } = subject.container.value;
  if (secretEnvironFile === null) return [];
  const { entry, imageRoot } = subject.entry;
  const path = fileInImage(entry.config, secretEnvironFile);
  const found = await lookUp(imageRoot, path);
  if (found.kind !== 'file') {
    const message = `${path} is no file of image ${entry.image}`;
    return [missing(subject, 'secrets-missing', message, ['secret-environ-file'])];
  }
  const read = await readConfig(subject.round.disk, secretEnvironSchema, found.hostPath, subject.round.texts);
  return read.ok ? [] : [...read.errors];
}

/** The entry must have passed the rules between files. Rejects when the image cannot be looked at. */
export async function checkImage(
  round: Round,
  sources: SandboxSources,
  entry: EntrySources,
): Promise<Diagnostic[]> {
  const { container } = entry;
  if (container === undefined) return [];
  const instance = instanceOf(sources, entry, container.value, `${sources.name}/${entry.process}.0`, 0);
  const subject: Subject = { round, entry, container, instance };
  const found: Diagnostic[] = [];
  for (const rule of [executableRule, workdirRule, mountPointRule, etcRule, secretFileRule])
    found.push(...(await rule(subject)));
  return found;
}
