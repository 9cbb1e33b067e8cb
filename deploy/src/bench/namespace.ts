import { execInPlace } from '@suite/shared/linux/exec.ts';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { probeRuntime } from '@suite/shared/oci/probe.ts';
import { realProc } from '@suite/shared/ports/real.ts';

const ENTERED = 'BENCH_MOUNT_NAMESPACE';

/** Mounts of a benchmark go with it. */
const OWN_MOUNTS = ['unshare', '--mount', '--propagation', 'slave'];

/**
 * All contenders get the same mount namespace. Where crun works only in one of its own, the bare runtime would else pay for two
 * more programs at each start, and podman would not work at all. Returns when it is done.
 */
export async function enterNamespace(): Promise<void> {
  const choice = await probeRuntime(realProc);
  if (process.env[ENTERED] !== undefined) return;
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const argv = choice.kind === 'crun-private-mount' ? choice.wrap(again) : [...OWN_MOUNTS, ...again];
  const program = findProgram(argv[0] ?? '');
  if (program === undefined) return;
  const env = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  execInPlace(program, argv, { ...Object.fromEntries(env), [ENTERED]: '1' });
}
