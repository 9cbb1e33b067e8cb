// A prepared container together with its limits.
import { hasLimits, type Limits } from '../../core/run/limits.ts';
import { enterLimits, type Unlimited } from './limits.ts';
import type { Prepared } from './prepare.ts';

let warned = false;

function warnOnce({ problem, hint }: Unlimited): void {
  if (!warned)
    process.stderr.write(`Warning: it runs without its limits: ${problem} (as an ordinary user: ${hint})\n`);
  warned = true;
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;

/** Where cgroups cannot be had it runs without limits, and that is said once. */
export function withLimits(prepared: Prepared, limits: Limits): Prepared {
  if (!hasLimits(limits)) return prepared;
  const { bundle } = prepared;
  const limited = enterLimits(bundle.id, limits);
  if ('problem' in limited) {
    warnOnce(limited);
    return prepared;
  }
  const remove = () => {
    bundle.remove();
    const { memoryLimit } = limits;
    if (memoryLimit !== undefined && limited.oomKills() > 0)
      process.stderr.write(
        `The kernel ended a process for memory: memory-limit is ${mebibytes(memoryLimit)}\n`,
      );
    limited.remove();
  };
  return { ...prepared, argv: [...limited.words, ...prepared.argv], bundle: { ...bundle, remove } };
}
