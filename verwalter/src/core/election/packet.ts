import type { ElectionPacket, ScheduleStamp } from '@suite/shared/wire/election.ts';
import type { ElectionSettings, Outgoing, View } from './state.ts';

/** What the node has to say besides the election itself. */
export interface Speech {
  /** Stamp of the schedule this leader made itself. */
  readonly own: ScheduleStamp | null;
  /** Stamp of the last known schedule. */
  readonly known: ScheduleStamp | null;
  readonly errors: number;
  /** Stamp of what this node had under another leader until lately. */
  readonly fork: ScheduleStamp | null;
}

/** The packet as it goes to one peer. `heard` = something came from that peer within the longest election timeout. */
export function completePacket(
  settings: ElectionSettings,
  outgoing: Outgoing,
  to: string,
  view: View,
  speech: Speech,
): ElectionPacket {
  const id = settings.self;
  switch (outgoing.type) {
    case 'Ping': {
      const heardMs = view.peers?.get(to)?.heardMs ?? Number.NEGATIVE_INFINITY;
      const heard = view.nowMs - heardMs < settings.times.timeoutMaxMs;
      return { type: 'Ping', id, epoch: outgoing.epoch, schedule: speech.own, heard };
    }
    case 'Pong':
      return {
        type: 'Pong',
        id,
        epoch: outgoing.epoch,
        schedule: speech.known,
        errors: speech.errors,
        fork: speech.fork,
      };
    case 'Vote':
      return { type: 'Vote', id, epoch: outgoing.epoch, schedule: speech.known, target: outgoing.target };
  }
}
