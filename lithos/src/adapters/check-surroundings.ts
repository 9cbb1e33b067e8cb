// What only the host itself can tell, and may change at any time: keys, devices, sources of copies and volumes, tools.
// lithos_check asks it; a start finds out by itself and is tried again.
import { lookup } from 'node:dns/promises';
import { access, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { findProgram } from '@suite/shared/linux/programs.ts';
import type { Disk } from '@suite/shared/ports/index.ts';
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import { diagnostic, locate, type Place } from '../config/locate.ts';
import type { CheckedSandbox } from '../core/desired/checks/host.ts';
import { instanceOf } from '../core/desired/instances.ts';
import type { EntrySources, SandboxSources } from '../core/desired/sources.ts';
import type { DesiredInstance } from '../core/desired/types.ts';
import { problem } from './read-yaml.ts';
import { Secrets } from './secrets/attachment.ts';

type Severity = Diagnostic['severity'];

/** Name and IPv4 address of this host; the address is undefined when nobody knows it. */
export async function hostAddress(): Promise<{ name: string; address: string | undefined }> {
  const name = hostname();
  const found = await lookup(name, 4).catch(() => undefined);
  return { name, address: found?.address };
}

interface Subject {
  readonly disk: Disk;
  readonly sources: SandboxSources;
  readonly instance: DesiredInstance;
  /** Place of a key of the container file. */
  readonly at: (...path: (string | number)[]) => Place;
}

type Rule = (subject: Subject) => Promise<Diagnostic[]>;

function found(code: string, severity: Severity, message: string, where: Place): Diagnostic[] {
  return [diagnostic(code, severity, message, where)];
}

const secretRule: Rule = async ({ disk, instance, at }) => {
  // Only root may read the key, and only root starts containers.
  if (instance.secrets === null || process.getuid?.() !== 0) return [];
  const key = instance.secrets.file === null ? 'secret-environ' : 'secret-environ-file';
  return await new Secrets(disk).prepare(instance).then(
    () => [],
    (error: Error) => found('secrets', 'error', error.message, at(key)),
  );
};

const deviceRule: Rule = async ({ instance, at }) => {
  const problems: Diagnostic[] = [];
  for (const [index, device] of instance.devices.entries()) {
    const node = await stat(device).catch(() => undefined);
    if (node?.isCharacterDevice() || node?.isBlockDevice()) continue;
    problems.push(...found('device-missing', 'error', `${device} is no device`, at('devices', index)));
  }
  for (const { device } of instance.ioLimits) {
    const node = await stat(device).catch(() => undefined);
    if (node?.isBlockDevice()) continue;
    problems.push(
      ...found('device-missing', 'error', `${device} is no block device`, at('io-limits', device)),
    );
  }
  return problems;
};

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

const sourceRule: Rule = async ({ sources, instance, at }) => {
  const problems: Diagnostic[] = [];
  const { resolvConf, hosts } = instance.etc;
  const inSandbox = (key: string) => locate(sources.sandbox.node, [key]);
  for (const [key, file] of [
    ['resolv-conf', resolvConf.copyFrom],
    ['hosts-file', hosts.copyFrom],
  ] as const) {
    if (file === null || (await isThere(file))) continue;
    problems.push(...found('source-missing', 'warning', `${file} does not exist`, inSandbox(key)));
  }
  for (const volume of instance.volumes) {
    const isMade = volume.kind === 'persistent' && volume.create;
    if (isMade || !('source' in volume) || (await isThere(volume.source))) continue;
    const message = `${volume.source} does not exist`;
    problems.push(...found('source-missing', 'warning', message, at('volumes', volume.target)));
  }
  return problems;
};

const hostNameRule: Rule = async ({ instance, at }) => {
  if (!instance.etc.hosts.publicHostname) return [];
  const { name, address } = await hostAddress();
  if (address !== undefined) return [];
  const message = `the host name ${name} has no IPv4 address`;
  return found('host-name', 'error', message, at('hosts-file'));
};

const RULES: readonly Rule[] = [secretRule, deviceRule, sourceRule, hostNameRule];

async function checkOne(disk: Disk, sources: SandboxSources, entry: EntrySources): Promise<Diagnostic[]> {
  const { container } = entry;
  if (container === undefined) return [];
  const instance = instanceOf(sources, entry, container.value, `${sources.name}/${entry.process}.0`, 0);
  const at = (...path: (string | number)[]) => locate(container.node, path);
  const lists = await Promise.all(RULES.map(rule => rule({ disk, sources, instance, at })));
  return lists.flat();
}

/** Programs without which lithos_tree would not start; only a warning, because a check may run elsewhere. */
function missingTools(masterFile: string): Diagnostic[] {
  const hasRuntime = ['crun', 'runc'].some(name => findProgram(name) !== undefined);
  const missing = ['conmon', 'catatonit'].filter(name => findProgram(name) === undefined);
  return [...missing, ...(hasRuntime ? [] : ['crun'])].map(name =>
    problem(
      'tool-missing',
      masterFile,
      `${name} is not installed: lithos_tree could not start here`,
      'warning',
    ),
  );
}

export async function checkSurroundings(
  disk: Disk,
  masterFile: string,
  sandboxes: readonly CheckedSandbox[],
): Promise<Diagnostic[]> {
  const problems = missingTools(masterFile);
  for (const { sources, good } of sandboxes)
    for (const entry of good) problems.push(...(await checkOne(disk, sources, entry)));
  return problems;
}
