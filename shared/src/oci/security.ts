import { capabilitiesOf } from './capabilities.ts';
import { MASKED_PATHS, READONLY_PATHS } from './kernel-files.ts';

/** One line of what confines a container. */
export interface SecurityFact {
  readonly name: string;
  readonly value: string;
  /** Weaker than the default for everybody: somebody asked for it in a configuration. */
  readonly relaxed: boolean;
}

/** The parts of a runtime-spec document that are looked at; what is absent counts as not confined. */
interface Bundle {
  readonly root?: { readonly readonly?: boolean };
  readonly process?: {
    readonly user?: {
      readonly uid?: number;
      readonly gid?: number;
      readonly additionalGids?: readonly number[];
    };
    readonly capabilities?: { readonly bounding?: readonly string[] };
    readonly noNewPrivileges?: boolean;
    readonly rlimits?: readonly { readonly type: string; readonly hard: number }[];
  };
  readonly mounts?: readonly {
    readonly destination: string;
    readonly type?: string;
    readonly options?: readonly string[];
  }[];
  readonly linux?: {
    readonly namespaces?: readonly { readonly type: string; readonly path?: string }[];
    readonly uidMappings?: readonly {
      readonly containerID: number;
      readonly hostID: number;
      readonly size: number;
    }[];
    readonly seccomp?: { readonly defaultAction?: string };
    readonly maskedPaths?: readonly string[];
    readonly readonlyPaths?: readonly string[];
    readonly devices?: readonly { readonly path: string }[];
    readonly resources?: {
      readonly devices?: readonly {
        readonly allow: boolean;
        readonly type?: string;
        readonly major?: number;
      }[];
      readonly memory?: { readonly limit?: number };
      readonly pids?: { readonly limit?: number };
    };
  };
}

function fact(name: string, value: string, relaxed = false): SecurityFact {
  return { name, value, relaxed };
}

/** The id on the host; without a user namespace there is nothing to translate. */
function outsideId(linux: Bundle['linux'], uid: number): number | undefined {
  if (!linux?.namespaces?.some(({ type }) => type === 'user')) return uid;
  const map = linux.uidMappings?.find(
    ({ containerID, size }) => containerID <= uid && uid < containerID + size,
  );
  return map === undefined ? undefined : map.hostID + uid - map.containerID;
}

function userFacts({ process, linux }: Bundle): SecurityFact[] {
  const { uid = 0, gid = 0, additionalGids = [] } = process?.user ?? {};
  const own = linux?.namespaces?.some(({ type }) => type === 'user') ?? false;
  const maps = (linux?.uidMappings ?? []).map(
    ({ containerID, hostID, size }) =>
      `${containerID}-${containerID + size - 1} is ${hostID}-${hostID + size - 1}`,
  );
  const isRoot = outsideId(linux, uid) === 0;
  return [
    fact('user', `${uid}:${gid}${isRoot ? ', root of the host' : ''}`, isRoot),
    fact('groups', additionalGids.join(' ') || 'none besides', additionalGids.length > 0),
    fact('user-namespace', own ? `own: ${maps.join(', ')}` : "the host's"),
  ];
}

function namespaceFacts({ linux }: Bundle): SecurityFact[] {
  const has = new Map((linux?.namespaces ?? []).map(({ type, path }) => [type, path ?? 'new']));
  const shared = ['pid', 'mount', 'ipc', 'uts'].filter(type => !has.has(type));
  const own = has.has('network');
  return [
    fact('shared-namespaces', shared.join(' ') || 'none', shared.length > 0),
    // No default but a fact to know: loopback services and abstract sockets of the host can be reached.
    fact('network', own ? 'own' : "the host's"),
  ];
}

function privilegeFacts({ process, linux }: Bundle): SecurityFact[] {
  const capabilities = (process?.capabilities?.bounding ?? []).map(name => name.replace(/^CAP_/, ''));
  const filtered = linux?.seccomp !== undefined && linux.seccomp.defaultAction !== 'SCMP_ACT_ALLOW';
  const noNew = process?.noNewPrivileges === true;
  return [
    fact('capabilities', capabilities.join(' ') || 'none', capabilities.length > 0),
    fact('new-privileges', noNew ? 'never' : 'by set-uid programs', !noNew),
    fact('seccomp', filtered ? 'default list' : 'unconfined', !filtered),
  ];
}

function missing(wanted: readonly string[], have: readonly string[] = []): string[] {
  return wanted.filter(path => !have.includes(path));
}

function fileFacts({ root, mounts = [], linux }: Bundle): SecurityFact[] {
  const open = missing(MASKED_PATHS, linux?.maskedPaths);
  const writable = missing(READONLY_PATHS, linux?.readonlyPaths);
  const binds = mounts.filter(({ type }) => type === 'bind');
  const trusted = binds.filter(
    ({ options = [] }) => !(options.includes('nosuid') && options.includes('nodev')),
  );
  return [
    fact('image', root?.readonly === true ? 'read-only' : 'writable', root?.readonly !== true),
    fact(
      'kernel-files',
      open.length + writable.length === 0
        ? 'hidden or read-only'
        : `open: ${[...open, ...writable].join(' ')}`,
      open.length + writable.length > 0,
    ),
    fact(
      'volumes',
      trusted.length === 0
        ? 'nosuid nodev'
        : `set-uid or devices in ${trusted.map(({ destination }) => destination).join(' ')}`,
      trusted.length > 0,
    ),
  ];
}

function resourceFacts({ process, linux }: Bundle): SecurityFact[] {
  const extra = (linux?.devices ?? []).map(({ path }) => path);
  const { devices = [], memory, pids } = linux?.resources ?? {};
  const listed = devices[0]?.allow === false && devices[0].major === undefined;
  const limits = (process?.rlimits ?? []).map(
    ({ type, hard }) => `${type.replace('RLIMIT_', '').toLowerCase()} ${hard}`,
  );
  const processes = pids?.limit ?? 0;
  return [
    fact('devices', listed ? ['standard', ...extra].join(' ') : 'all', extra.length > 0 || !listed),
    fact('memory', memory?.limit === undefined ? 'no limit' : `${memory.limit} bytes`),
    fact('processes', processes > 0 ? `at most ${processes}` : 'no limit', processes <= 0),
    fact('rlimits', limits.join(', ') || 'none'),
  ];
}

/**
 * What confines a container, read from the document the runtime got (parsed config.json of its bundle), not from what
 * was meant. `unknown` because it comes from a file: anything but an object counts as no confinement at all.
 */
export function securitySummary(config: unknown): SecurityFact[] {
  const bundle = (typeof config === 'object' && config !== null ? config : {}) as Bundle;
  return [
    ...userFacts(bundle),
    ...privilegeFacts(bundle),
    ...namespaceFacts(bundle),
    ...fileFacts(bundle),
    ...resourceFacts(bundle),
  ];
}

const SECCOMP_MODES: Readonly<Record<string, string>> = { '0': 'unconfined', '1': 'strict', '2': 'filter' };

/** What the kernel itself says about a process: `status` is the text of its /proc/PID/status (proc(5)). */
export function liveSecurity(status: string): SecurityFact[] {
  const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
  const id = (name: string) => field(name).split(/\s+/)[1] ?? '';
  const effective = /^[0-9a-f]+$/.test(field('CapEff')) ? capabilitiesOf(field('CapEff')) : ['unknown'];
  const mode = SECCOMP_MODES[field('Seccomp')] ?? 'unknown';
  const noNew = field('NoNewPrivs') === '1';
  return [
    fact('live-user', `${id('Uid')}:${id('Gid')} (on the host)`, id('Uid') === '0'),
    fact('live-groups', field('Groups') || 'none'),
    fact('live-capabilities', effective.join(' ') || 'none', effective.length > 0),
    fact('live-new-privileges', noNew ? 'never' : 'by set-uid programs', !noNew),
    fact('live-seccomp', mode, mode !== 'filter'),
  ];
}
