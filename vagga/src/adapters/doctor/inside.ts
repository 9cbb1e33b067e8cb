// Facts that only a process with the ids of builds can see: it tries what builds and runs do.
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupPathsOfProcess, controllerDirectory } from '@suite/shared/linux/cgroup.ts';
import { availableControllers, ownCgroupMounts } from '@suite/shared/linux/cgroup-files.ts';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { realProc } from '@suite/shared/ports/real.ts';
import type { InsideFacts } from '../../core/doctor/judge.ts';
import { currentIds } from '../namespace/current.ts';
import { probeEngine } from '../oci/probe.ts';
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

/** Only controllers of a cgroup that we may write to are worth something. */
function cgroups(): InsideFacts['cgroups'] {
  const mounts = ownCgroupMounts();
  const paths = cgroupPathsOfProcess(mounts, readFileSync('/proc/self/cgroup', 'utf8'));
  const isOurs = (controller: string) => {
    const directory = controllerDirectory(paths, controller);
    try {
      accessSync(directory ?? '', constants.W_OK);
      return true;
    } catch {
      return false;
    }
  };
  return { layout: mounts.layout, controllers: [...availableControllers(mounts)].filter(isOurs).sort() };
}

export async function insideFacts(directory: string): Promise<InsideFacts> {
  const engine = await probeEngine();
  const overlay = await overlayFailure(directory);
  return {
    ...('error' in engine ? { engineFailure: engine.error } : { engine }),
    ...(!('error' in engine) && engine.init !== undefined && { init: engine.init }),
    ...(overlay !== undefined && { overlayFailure: overlay }),
    fuseOverlay: findProgram('fuse-overlayfs') !== undefined,
    cgroups: cgroups(),
  };
}
