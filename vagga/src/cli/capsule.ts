// Commands beside all containers: `!CapsuleCommand`, `_build_shell`.
import { prepareCapsule } from '../adapters/capsule/run.ts';
import { runForeground } from '../adapters/run/foreground.ts';
import { wantsTerminal } from '../adapters/run/terminal.ts';
import { DEFAULT_IDS } from '../config/defaults.ts';
import type { CapsuleCommand } from '../config/model.ts';
import { report } from './quick.ts';
import { type Session, say } from './session.ts';

type Place = Pick<CapsuleCommand, 'uids' | 'gids' | 'environ' | 'workDir' | 'isolateNetwork'>;

/** Of a shell that no config describes. */
export const BARE_PLACE: Place = { uids: DEFAULT_IDS, gids: DEFAULT_IDS, environ: {}, isolateNetwork: false };

/** `own`: VAGGAOPT_ variables. */
export async function runCapsule(
  session: Session,
  command: Place,
  argv: readonly string[],
  own: Readonly<Record<string, string>>,
): Promise<number> {
  const engine = await session.engine();
  if ('error' in engine) return say(121, engine.error);
  const { layout, cache, variables } = session;
  const { isolateNetwork } = session.options;
  const request = { layout, cache, engine, command, argv, variables, own, isolateNetwork };
  const prepared = prepareCapsule({ ...request, terminal: wantsTerminal() });
  return prepared.kind === 'ended' ? report(prepared) : await runForeground(prepared);
}
