// A supervised run in somebody's terminal, visible from others.
import type { Layout } from '../image/layout.ts';
import type { Output } from '../supervise/output.ts';
import { supervise } from '../supervise/run.ts';
import type { Supervisor } from '../supervise/supervisor.ts';
import type { RunWish } from './detached.ts';
import { foregroundPlace } from './place.ts';
import { publish } from './published.ts';

/** The exit code. Nothing of it stays. */
export async function superviseForeground(
  layout: Layout,
  { command, children, options }: RunWish,
  output: Output,
  begun: (supervisor: Supervisor) => void,
): Promise<number> {
  const place = foregroundPlace(layout);
  place.makeEmpty();
  const { hooks, close } = publish(place, command, children);
  const hooked = (supervisor: Supervisor) => {
    hooks.begun(supervisor);
    begun(supervisor);
  };
  const code = await supervise(children, options, output, { begun: hooked, changed: hooks.changed });
  close();
  place.remove();
  return code;
}
