// `_run_in_netns CONTAINER COMMAND …`: as `_run`, in the network of the gateway or of another process.
import { existsSync, readlinkSync } from 'node:fs';
import { newMountPoint, separateMounts } from '../../adapters/layers/show.ts';
import { findGateway, localResolver } from '../../adapters/network/gateway.ts';
import { writeResolvConf } from '../../adapters/network/resolv-conf.ts';
import { BUILD_MODES } from '../../core/options/build-modes.ts';
import { parseCommandLine, valuesOf } from '../../core/options/parse.ts';
import type { CommandLineSpec } from '../../core/options/spec.ts';
import { say } from '../session.ts';
import { entry, type ParsedLine } from './registry.ts';
import { RUN_SPEC, runIn } from './run.ts';

const NAME = '_run_in_netns';

const SPEC: CommandLineSpec = {
  ...RUN_SPEC,
  name: `vagga ${NAME}`,
  description: 'Run a program in a container, in the network that _create_netns has made',
  options: [
    {
      names: ['--pid'],
      key: 'pid',
      takes: 'one',
      metavar: 'PID',
      help: 'In the network of this process instead',
    },
    ...BUILD_MODES,
  ],
};

const pidOf = ({ given }: Pick<ParsedLine, 'given'>) => valuesOf(given, 'pid').at(-1);
const namespace = (pid: string, kind: 'net' | 'user') => `/proc/${pid}/ns/${kind}`;

/** Of an ordinary user: the user namespace that the network of `--pid` belongs to. */
export function namespaceOfWords([name, ...words]: readonly string[]): string | undefined {
  if (name !== NAME) return undefined;
  const line = parseCommandLine(SPEC, words);
  const pid = line.kind === 'parsed' ? pidOf(line) : undefined;
  const path = pid === undefined ? undefined : namespace(pid, 'user');
  // Nobody can enter the one where he is.
  return path !== undefined && existsSync(path) && readlinkSync(path) !== readlinkSync('/proc/self/ns/user')
    ? path
    : undefined;
}

export const runInNetns = entry(SPEC, (session, line) => {
  const pid = pidOf(line);
  if (pid !== undefined && !existsSync(namespace(pid, 'net'))) return say(121, `There is no process ${pid}`);
  const path = pid === undefined ? findGateway()?.network : namespace(pid, 'net');
  const hasOwnNames = pid === undefined && localResolver() !== undefined;
  if (path === undefined) return say(121, 'There is no network namespace: vagga _create_netns makes one');
  separateMounts();
  const resolvConf = hasOwnNames ? { resolvConf: writeResolvConf(newMountPoint(session.layout)) } : {};
  return runIn(session, line, { path, ...resolvConf });
});
