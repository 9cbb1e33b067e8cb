// Run as a child of PID 1 in namespaces like those of a demo host: one container, from creation to deletion.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cgroupPaths, controllerDirectory } from '../../src/linux/cgroup.ts';
import { ownCgroupMounts, readCgroupStats, removeCgroup } from '../../src/linux/cgroup-files.ts';
import { createMonitored, readExit } from '../../src/oci/monitor.ts';
import { probeRuntime } from '../../src/oci/probe.ts';
import { OciRuntime } from '../../src/oci/runtime.ts';
import { realProc } from '../../src/ports/real.ts';
import { bundle, laboratory, says, shell, spec } from './sandbox.ts';

async function appears(path: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!existsSync(path)) {
    if (Date.now() > deadline) throw new Error(`${path} did not appear`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

async function main(): Promise<object> {
  const choice = await probeRuntime(realProc);
  if (choice.kind === 'none') throw new Error(choice.message);
  const directory = mkdtempSync(join(tmpdir(), 'inside-'));
  const lab = await laboratory(directory);
  const runtime = new OciRuntime(choice, { stateRoot: join(directory, 'state') });
  const limits = { memoryBytes: 64 * 1024 * 1024, cpuShares: 256, pidsMax: 20 };
  const cgroupPath = `/test-inside-${readFileSync('/proc/sys/kernel/random/uuid', 'utf8').trim()}`;
  const init = { hostPath: '/usr/bin/catatonit' };
  const network = { pid: 'new', network: 'host', mount: 'new', ipc: 'new', uts: 'new' } as const;
  const { id, path } = await bundle(lab, {
    ...spec(lab, shell('echo ready; exec sleep 60'), { limits, init, namespaces: network }),
    cgroupPath,
  });
  const persistDir = join(path, 'persist');
  const exitDir = join(directory, 'exit');
  const files = {
    logPath: join(path, 'log'),
    pidFile: join(path, 'pid'),
    conmonPidFile: join(path, 'conmon.pid'),
  };
  const created = await createMonitored({ runtime, id, bundle: path, exitDir, persistDir, ...files });
  const started = await runtime.start(id);
  await says(files.logPath, 'ready');
  const mounts = ownCgroupMounts();
  const paths = cgroupPaths(mounts, cgroupPath);
  const stats = readCgroupStats(paths);
  const cpu = controllerDirectory(paths, 'cpu') ?? '';
  const shares = ['cpu.shares', 'cpu.weight'].map(name => join(cpu, name)).find(existsSync) ?? '';
  const weight = Number(readFileSync(shares, 'utf8'));
  const state = await runtime.state(id);
  const killed = await runtime.kill(id, 'SIGTERM');
  await appears(join(exitDir, id));
  const exit = await readExit(id, { exitDir, persistDir, cgroupPath });
  const deleted = await runtime.delete(id);
  const left = [...new Set(paths.values())].filter(existsSync);
  removeCgroup(mounts, cgroupPath);
  rmSync(directory, { recursive: true });
  return {
    kind: choice.kind,
    ownPid: process.pid,
    created,
    started,
    state,
    stats,
    weight,
    killed,
    exit,
    deleted,
    left,
  };
}

main().then(
  result => process.stdout.write(JSON.stringify(result)),
  (error: Error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  },
);
