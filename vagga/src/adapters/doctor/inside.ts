// Facts that only a process with the ids of builds can see: it tries what builds and runs do.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ownCgroupMounts } from '@suite/shared/linux/cgroup-files.ts';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { realProc } from '@suite/shared/ports/real.ts';
import type { InsideFacts } from '../../core/doctor/judge.ts';
import type { Limits } from '../../core/run/limits.ts';
import { currentIds } from '../namespace/current.ts';
import { probeEngine } from '../oci/probe.ts';
import { enterLimits } from '../run/limits.ts';
import { OWN_SCOPE } from '../run/unified-cgroup.ts';
import { existing } from './outside.ts';

const TRIAL_TIMEOUT_MS = 10_000;

/** Mounts one where images are: the file system below decides whether it can. */
async function overlayFailure(directory: string): Promise<string | undefined> {
  let place: string;
  try {
    place = mkdtempSync(join(existing(directory), '.doctor-'));
  } catch (error) {
    return (error as Error).message;
  }
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(place, name));
    const user = currentIds().ids.kind === 'real' ? '' : ',userxattr';
    const options = `lowerdir=lower,upperdir=upper,workdir=work${user}`;
    const script = `cd "$0" && mount -t overlay overlay -o ${options} merged && echo x > merged/file && cat upper/file`;
    const argv = ['unshare', '--mount', 'sh', '-c', script, place];
    const { code, stderr } = await realProc.run(argv, { timeoutMs: TRIAL_TIMEOUT_MS });
    return code === 0 ? undefined : (stderr.trim().split('\n')[0] ?? '');
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** One limit of each controller, generous enough for a program that ends at once. */
const LIMITS: Readonly<Record<string, Limits>> = {
  cpu: { cpuQuota: 100 },
  memory: { memoryLimit: 2 ** 30 },
  pids: { pidsLimit: 1000 },
};

/** Starts a program with the limit as a command would have it; undefined: that works, else what would help. */
async function limitFailure(controller: string, limits: Limits): Promise<string | undefined> {
  const limited = enterLimits(`vagga-doctor-${process.pid}-${controller}`, limits);
  if ('hint' in limited) return limited.hint;
  const { code } = await realProc.run([...limited.words, 'true'], { timeoutMs: TRIAL_TIMEOUT_MS });
  limited.remove();
  return code === 0 ? undefined : OWN_SCOPE;
}

async function cgroups(): Promise<InsideFacts['cgroups']> {
  const controllers: string[] = [];
  let hint = '';
  for (const [controller, limits] of Object.entries(LIMITS)) {
    const failure = await limitFailure(controller, limits);
    if (failure === undefined) controllers.push(controller);
    else hint = failure;
  }
  return { layout: ownCgroupMounts().layout, controllers, hint };
}

export async function insideFacts(directory: string): Promise<InsideFacts> {
  const engine = await probeEngine();
  const overlay = await overlayFailure(directory);
  return {
    ...('error' in engine ? { engineFailure: engine.error } : { engine }),
    ...(!('error' in engine) && engine.init !== undefined && { init: engine.init }),
    ...(overlay !== undefined && { overlayFailure: overlay }),
    fuseOverlay: findProgram('fuse-overlayfs') !== undefined,
    cgroups: await cgroups(),
  };
}
