import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { writeBundle } from '@suite/shared/oci/bundle.ts';
import { toOciConfig } from '@suite/shared/oci/config.ts';
import type { RuntimeChoice } from '@suite/shared/oci/probe.ts';
import { tinySandbox } from '../tiny-sandbox.ts';
import { exited, type Fleet } from './fleet.ts';
import { makeRoot } from './lithos.ts';
import { parallel } from './parallel.ts';
import { program, Words } from './words.ts';

/** Most containers a second on 2 processors: a start waits for the kernel half of its time. */
const AT_ONCE = 4;

export interface RawFleet extends Fleet {
  one(): Promise<void>;
  /** The same containers, several at a time. */
  readonly together: Fleet;
}

/** The limit: the bare runtime, one call after the other, nobody who watches. */
export async function raw(runtime: RuntimeChoice, directory: string): Promise<RawFleet> {
  const root = join(directory, 'rootfs');
  makeRoot(root);
  const words = new Words(join(directory, 'out'));
  const bundle = join(directory, 'bundle');
  const mounts = [{ type: 'bind', source: words.directory, target: '/out', readonly: false }] as const;
  const spec = tinySandbox(root, ['/bin/busybox', 'sh', '-c', program('/out')], mounts);
  await writeBundle(bundle, toOciConfig({ ...spec, env: { BENCH: 'raw' } }));
  const call = (...args: string[]) =>
    runtime.wrap([runtime.program, '--root', join(directory, 'state'), ...args]);
  const made: string[] = [];
  let wanted = 0;
  const one = async () => {
    const id = `bench-${process.pid}-${made.length}`;
    made.push(id);
    const [name = '', ...args] = call('run', '--detach', '--bundle', bundle, id);
    const child = spawn(name, args, { stdio: 'ignore' });
    await exited(child);
    if (child.exitCode !== 0) throw new Error(`${runtime.program} run ended with ${child.exitCode}`);
  };
  const fleet: Fleet = {
    tag: 'raw',
    name: `raw ${runtime.kind} run --detach`,
    role: 'raw',
    words,
    prepare(count) {
      wanted = count;
    },
    start: () => parallel(wanted, 1, one),
    pid: () => undefined,
    helpers: () => [],
    stop() {
      for (const id of made.splice(0)) {
        const [name = '', ...args] = call('delete', '--force', id);
        spawnSync(name, args, { stdio: 'ignore' });
      }
    },
  };
  const together: Fleet = {
    ...fleet,
    name: `${fleet.name}, ${AT_ONCE} at a time`,
    role: 'peer',
    start: () => parallel(wanted, AT_ONCE, one),
  };
  return { ...fleet, one, together };
}
