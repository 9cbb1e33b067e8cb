// What the schema of a sandbox file cannot say.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import { isInside, parseAddress, parseNetwork } from '../../../config/addresses.ts';
import { diagnostic, locate } from '../../../config/locate.ts';
import type { SandboxKeys } from '../../../config/sandbox.ts';
import { unknownInSetup } from '../network.ts';
import { components } from '../paths.ts';
import type { Parsed } from '../sources.ts';
import type { IdMap } from '../types.ts';

type Sandbox = Parsed<SandboxKeys>;

/** A word of /etc/hosts: whatever else is in it would become another name, or another line. */
const HOST_NAME = /^[^\s#]+$/;

function error(
  { node }: Sandbox,
  code: string,
  message: string,
  path: readonly (string | number)[],
): Diagnostic {
  return diagnostic(code, 'error', message, locate(node, path));
}

function allowRule(sandbox: Sandbox): Diagnostic[] {
  const lists = { 'allow-users': sandbox.value.allowUsers, 'allow-groups': sandbox.value.allowGroups };
  return Object.entries(lists).flatMap(([key, allowed]) =>
    allowed.length > 0
      ? []
      : [error(sandbox, 'nobody-allowed', `\`${key}\` is empty: nothing may run`, [key])],
  );
}

function pathRule(sandbox: Sandbox): Diagnostic[] {
  const maps = {
    'readonly-paths': sandbox.value.readonlyPaths,
    'writable-paths': sandbox.value.writablePaths,
  };
  return Object.entries(maps).flatMap(([key, paths]) =>
    Object.keys(paths)
      .filter(virtual => components(virtual) === undefined)
      .map(virtual => {
        const message = `the virtual path \`${virtual}\` must be absolute and without \`..\``;
        return error(sandbox, 'bad-virtual-path', message, [key, virtual]);
      }),
  );
}

function networkRule(sandbox: Sandbox): Diagnostic[] {
  const keys = sandbox.value.bridgedNetwork;
  const network = keys === null ? undefined : parseNetwork(keys.network);
  if (keys === null || network === undefined) return [];
  const gateway = keys.defaultGateway === null ? undefined : parseAddress(keys.defaultGateway);
  const command = keys.afterSetupCommand[0];
  const at = (key: string) => ['bridged-network', key];
  return [
    ...(gateway !== undefined && !isInside(network, gateway)
      ? [
          error(
            sandbox,
            'address-outside',
            `${keys.defaultGateway} is outside of ${keys.network}`,
            at('default-gateway'),
          ),
        ]
      : []),
    ...(command !== undefined && !command.startsWith('/')
      ? [
          error(
            sandbox,
            'bad-command',
            'the path of the command must start with /',
            at('after-setup-command'),
          ),
        ]
      : []),
    ...unknownInSetup(keys).map(name => {
      const message = `\`@{${name}}\` is not known here, only \`@{container_ip}\` is: it becomes empty`;
      return {
        ...error(sandbox, 'unknown-variable', message, at('after-setup-command')),
        severity: 'warning' as const,
      };
    }),
  ];
}

/** Ranges of one side; the kernel refuses a map in which two of them meet. */
function overlapping(map: readonly IdMap[], side: 'inside' | 'outside'): number[] {
  return map.flatMap((entry, index) =>
    map.slice(0, index).some(other => {
      const [first, second] = [other[side], entry[side]];
      return first < second + entry.count && second < first + other.count;
    })
      ? [index]
      : [],
  );
}

export function overlaps(map: readonly IdMap[]): number[] {
  return [...new Set([...overlapping(map, 'inside'), ...overlapping(map, 'outside')])];
}

function mapRule(sandbox: Sandbox): Diagnostic[] {
  const maps = { 'uid-map': sandbox.value.uidMap, 'gid-map': sandbox.value.gidMap };
  return Object.entries(maps).flatMap(([key, map]) =>
    overlaps(map).map(index => error(sandbox, 'map-overlap', 'it overlaps an entry above', [key, index])),
  );
}

function hostsRule(sandbox: Sandbox): Diagnostic[] {
  return Object.keys(sandbox.value.additionalHosts)
    .filter(name => !HOST_NAME.test(name))
    .map(name =>
      error(sandbox, 'bad-host-name', `${JSON.stringify(name)} cannot be a name in /etc/hosts`, [
        'additional-hosts',
        name,
      ]),
    );
}

export function checkSandbox(sandbox: Sandbox): Diagnostic[] {
  return [
    ...allowRule(sandbox),
    ...pathRule(sandbox),
    ...networkRule(sandbox),
    ...mapRule(sandbox),
    ...hostsRule(sandbox),
  ];
}
