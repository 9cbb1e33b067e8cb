// Cores broken on purpose: each must be caught by the simulation, or the simulation proves nothing.

import type { ElectionState, PeerSight, View } from '../../src/core/election/state.ts';
import { step } from '../../src/core/election/step.ts';
import type { StepFunction } from './election-world.ts';

interface FaultyVariant {
  readonly name: string;
  /** What the checker says. */
  readonly promise: RegExp;
  readonly step?: StepFunction;
  readonly forgetful?: boolean;
}

const votesTwice: StepFunction = (settings, state, event, view) => {
  const forgets = event.type === 'packet' && event.packet.type === 'Vote' && state.phase.kind === 'voted';
  return step(settings, forgets ? { ...state, ballot: null } : state, event, view);
};

const noMajority: StepFunction = (settings, state, event, view) => step(settings, state, event, alone(view));

/** Nobody else counts, so one vote is always enough. */
function alone(view: View): View {
  if (view.peers === undefined) return view;
  const peers = new Map<string, PeerSight>();
  return { ...view, peers };
}

const epochReset: StepFunction = (settings, state, event, view) => {
  const next = step(settings, state, event, view);
  if (state.phase.kind !== 'electing' || next.state.phase.kind !== 'voted') return next;
  const reset: ElectionState = { ...next.state, epoch: 0 };
  return { ...next, state: reset };
};

const stubbornLeader: StepFunction = (settings, state, event, view) => {
  const isPing = event.type === 'packet' && event.packet.type === 'Ping';
  if (isPing && state.phase.kind === 'leader') return { state, effects: [], deadlineMs: state.deadlineMs };
  return step(settings, state, event, view);
};

const givesUp: StepFunction = (settings, state, event, view) => {
  const next = step(settings, state, event, view);
  if (next.state.phase.kind !== 'electing') return next;
  return { ...next, state: { ...next.state, deadlineMs: Number.POSITIVE_INFINITY } };
};

export const FAULTY: readonly FaultyVariant[] = [
  { name: 'votes twice in an epoch', promise: /votes twice|both lead/, step: votesTwice },
  { name: 'needs no majority', promise: /both lead|within reach|no leader/, step: noMajority },
  { name: 'resets its epoch', promise: /epoch of \d+ went/, step: epochReset },
  { name: 'does not store its ballot', promise: /forgot epoch/, forgetful: true },
  {
    name: 'two leaders of one epoch ignore each other',
    promise: /within reach|no leader/,
    step: stubbornLeader,
  },
  { name: 'a candidate that never tries again', promise: /no leader/, step: givesUp },
];
