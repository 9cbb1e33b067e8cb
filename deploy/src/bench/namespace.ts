import { execInPlace } from '@suite/shared/linux/exec.ts';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { probeRuntime } from '@suite/shared/oci/probe.ts';
import { realProc } from '@suite/shared/ports/real.ts';

const ENTERED = 'BENCH_MOUNT_NAMESPACE';

/**
 * Where crun works only in a mount namespace of its own, all contenders get the same one: otherwise the bare runtime would
 * pay for two more programs at each start, and podman would not work at all. Returns when nothing is to be done.
 */
export async function enterNamespace(): Promise<void> {
  const choice = await probeRuntime(realProc);
  if (choice.kind !== 'crun-private-mount' || process.env[ENTERED] !== undefined) return;
  const argv = choice.wrap([process.execPath, ...process.execArgv, ...process.argv.slice(1)]);
  const program = findProgram(argv[0] ?? '');
  if (program === undefined) return;
  const env = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  execInPlace(program, argv, { ...Object.fromEntries(env), [ENTERED]: '1' });
}
