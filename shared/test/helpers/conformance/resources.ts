// Limits of its cgroup, devices it may open, system calls it may make.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { cgroupPaths } from '../../../src/linux/cgroup.ts';
import { ownCgroupMounts } from '../../../src/linux/cgroup-files.ts';
import type { SandboxSpec } from '../../../src/oci/sandbox.ts';
import { bundle, shell, spec } from '../sandbox.ts';
import { aDisk, type Case, CGROUPS, cli, type Idea, MIB, STATUS } from './case.ts';

/** A file of the container's cgroup, by whichever of its names exists; read while the container waits. */
async function cgroupFiles(t: Test, each: Case, changes: Partial<SandboxSpec>, names: readonly string[]) {
  const { id, path } = await bundle(
    each.lab,
    spec(each.lab, shell('sleep 30'), { cgroupPath: `${CGROUPS}/files`, ...changes }),
  );
  const created = cli(each.runtime, 'create', '--bundle', path, id);
  t.equal(created.status, 0, created.stderr);
  const paths = new Set(cgroupPaths(ownCgroupMounts(), `${CGROUPS}/files`).values());
  const files = names.map(name => [...paths].map(directory => join(directory, name)).find(existsSync));
  const texts = files.map(file => (file === undefined ? undefined : readFileSync(file, 'utf8').trim()));
  await each.runtime.delete(id, true);
  return texts.filter(text => text !== undefined);
}

export const RESOURCES: Record<string, Idea> = {
  'linux_cgroups_memory: limit and swap': async (t, each) => {
    const limits = { memoryBytes: 32 * MIB, swapBytes: 8 * MIB };
    const [memory, swap] = await cgroupFiles(t, each, { limits }, [
      'memory.limit_in_bytes',
      'memory.max',
      'memory.memsw.limit_in_bytes',
      'memory.swap.max',
    ]);
    t.equal(memory, String(32 * MIB));
    t.ok([undefined, String(40 * MIB), String(8 * MIB)].includes(swap), String(swap));
  },
  'linux_cgroups_cpus: shares and quota': async (t, each) => {
    const limits = { cpuShares: 512, cpuQuotaPercent: 25 };
    const seen = await cgroupFiles(t, each, { limits }, [
      'cpu.shares',
      'cpu.weight',
      'cpu.cfs_quota_us',
      'cpu.cfs_period_us',
      'cpu.max',
    ]);
    t.match(seen.join(' '), /^(512 25000 100000|20 25000 100000)$/);
  },
  linux_cgroups_pids: async (t, each) => {
    t.same(await cgroupFiles(t, each, { limits: { pidsMax: 21 } }, ['pids.max']), ['21']);
    const crowd = await each.attempt('for i in 1 2 3 4 5 6 7 8; do sleep 5 & done', {
      limits: { pidsMax: 4 },
    });
    t.match(crowd.stderr, /fork/i, 'and it is kept');
  },
  'linux_cgroups_blkio: limits of a disk': async (t, each) => {
    const { path: _path, ...numbers } = aDisk();
    const limits = { ioLimits: [{ ...numbers, readBytesPerS: 3 * MIB, writeOpsPerS: 55 }] };
    const seen = await cgroupFiles(t, each, { limits }, [
      'blkio.throttle.read_bps_device',
      'blkio.throttle.write_iops_device',
      'io.max',
    ]);
    const text = seen.join('\n');
    t.match(text, `${numbers.major}:${numbers.minor} `);
    t.match(text, String(3 * MIB));
    t.match(text, /\b55\b/);
  },
  'linux_cgroups_devices: nothing but what is listed can be opened': async (t, each) => {
    const node = join(each.lab.root, 'data', 'node');
    const { path: _path, ...numbers } = aDisk();
    spawnSync('mknod', ['-m', '666', node, 'b', String(numbers.major), String(numbers.minor)]);
    const script = '(exec 3</data/node) && echo open || echo closed';
    t.equal((await each.attempt(script)).stdout, 'closed\n');
    const device = { path: '/dev/disk', type: 'b', ...numbers } as const;
    t.equal((await each.attempt(script, { devices: [device] })).stdout, 'open\n');
    rmSync(node);
  },
  'linux_seccomp: a call is refused with its error, the others work': async (t, each) => {
    const program =
      'import ctypes,errno\nc=ctypes.CDLL(None,use_errno=True)\nprint(c.unshare(0x10000000), errno.errorcode[ctypes.get_errno()], c.getpid()>0)';
    t.equal(await each.run(t, ['/usr/bin/python3', '-c', program]), '-1 EPERM True\n');
    t.equal(await each.run(t, STATUS('Seccomp'), { seccomp: 'unconfined' }), 'Seccomp:0\n');
  },
};
