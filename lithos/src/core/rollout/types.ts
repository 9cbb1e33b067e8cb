// Replacing the instances of one process a few at a time. The decisions rest on the states of the instances only.
//
//             every one replaced and settled
//  rolling ─────────────────────────────────────▶ done
//  (forward)
//     │ one does not become healthy ───────────────────▶ failed   (roll-back: false: the others keep what they have)
//     │ (roll-back: true)
//     ▼
//  rolling ─────────────────────────────────────▶ rolled-back     (rejected: not tried again until the files change)
//  (back)     every one has returned and settled
//     └────── as above, but some are not well ──▶ failed
import type { RolloutState } from '@suite/shared/wire/lithos.ts';
import type { DesiredInstance, RollingUpdate } from '../desired/types.ts';
import type { Instance } from '../instance/types.ts';

export interface Rollout {
  readonly sandbox: string;
  readonly process: string;
  readonly policy: RollingUpdate;
  readonly way: 'forward' | 'back';
  readonly state: RolloutState;
  /** What was in force when it began. */
  readonly previous: readonly DesiredInstance[];
  /** What the files ask for. */
  readonly next: readonly DesiredInstance[];
  /** Those told so far on this way → since when (monotonic ms) they are not settled; null: settled. */
  readonly asked: Readonly<Record<string, number | null>>;
  /** Those that did not become healthy on the way back. */
  readonly lost: readonly string[];
  /** Why it failed or went back. */
  readonly message: string | null;
}

/** What the shell has to do, in this order. */
export type Move =
  /** Tell it its new configuration: it is replaced, or made. */
  | { readonly kind: 'configure'; readonly desired: DesiredInstance }
  | { readonly kind: 'retire'; readonly name: string };

export interface RolloutStep {
  readonly rollout: Rollout;
  readonly moves: readonly Move[];
  /** Look again then, if nothing changes before; null: no need. */
  readonly wakeAtMs: number | null;
}

export type Seen = (name: string) => Instance | undefined;
