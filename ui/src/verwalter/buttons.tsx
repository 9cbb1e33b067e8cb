import { signal } from '@preact/signals';
import type {
  ActionRegistered,
  ButtonAction,
  ButtonDescription,
  ScheduleObject,
  VerwalterStatus,
} from '@suite/shared/wire/verwalter.ts';
import { useEffect, useRef } from 'preact/hooks';
import { Card } from '../common/frame.tsx';
import { postJson } from '../common/live.ts';
import { placements } from './schedule.ts';

interface Press {
  readonly role: string;
  readonly button: ButtonDescription;
  /** Leader's host at the moment of the press. */
  readonly by: string | undefined;
}

/** What happened to the newest press, in words. */
const outcome = signal<{ text: string; bad: boolean } | undefined>(undefined);
const asking = signal<Press | undefined>(undefined);

/** An error of the API in words: its own sentence instead of status and JSON. */
export function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /"error":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text;
}

/** Who takes a press: only the leader does, any other host passes it on. */
function taker({ election_state: election, leader, hostname }: VerwalterStatus): string | undefined {
  if (election.is_leader) return hostname;
  return leader === null ? undefined : leader.hostname || leader.name;
}

async function send({ role, button, by }: Press): Promise<void> {
  asking.value = undefined;
  const action: ButtonAction = {
    button: { action: button.id, role, ...(button.data === undefined ? {} : { data: button.data }) },
  };
  try {
    const { registered } = await postJson<ActionRegistered>('v1/action', action);
    outcome.value = {
      text: `“${button.title}” is registered by ${by ?? 'the leader'} as ${registered}; the next schedule takes it into account.`,
      bad: false,
    };
  } catch (error) {
    outcome.value = {
      text: `“${button.title}” was refused: ${reason(error)}`,
      bad: true,
    };
  }
}

function press(wanted: Press): void {
  if (wanted.button.confirm) asking.value = wanted;
  else void send(wanted);
}

function Confirm() {
  const dialog = useRef<HTMLDialogElement>(null);
  const wanted = asking.value;
  useEffect(() => {
    if (wanted) dialog.current?.showModal();
    else dialog.current?.close();
  }, [wanted]);
  return (
    <dialog ref={dialog} onClose={() => (asking.value = undefined)}>
      <h2>
        {wanted?.role}: {wanted?.button.title}
      </h2>
      <p>{wanted?.button.confirm}</p>
      <div class="row">
        <button type="button" onClick={() => (asking.value = undefined)}>
          No
        </button>
        <button type="button" class={wanted?.button.kind ?? ''} onClick={() => wanted && void send(wanted)}>
          Yes
        </button>
      </div>
    </dialog>
  );
}

/** Buttons are data in the schedule; pressing one posts an action that the leader's Lua sees in its next run. */
export function Buttons(props: { schedule: ScheduleObject; about: VerwalterStatus; pending: number }) {
  const { schedule, about, pending } = props;
  const by = taker(about);
  const offered = placements(schedule).filter(({ buttons }) => buttons.length > 0);
  return (
    <Card title="Buttons" note={pending > 0 ? `${pending} pending` : ''}>
      {offered.length === 0 && <p class="quiet">The scheduler offers none.</p>}
      {by === undefined && <p class="bad">There is no leader now: a press would be refused.</p>}
      {by !== undefined && !about.election_state.is_leader && (
        <p class="quiet">This host passes a press on to the leader {by}.</p>
      )}
      <dl class="buttons">
        {offered.map(({ role, title, buttons }) => (
          <div key={role}>
            <dt>{title}</dt>
            <dd>
              {buttons.map(button => (
                <button
                  type="button"
                  key={button.id}
                  class={button.kind ?? ''}
                  disabled={by === undefined}
                  onClick={() => press({ role, button, by })}
                >
                  {button.title}
                </button>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      {outcome.value && (
        <p role="status" class={outcome.value.bad ? 'bad' : 'good'}>
          {outcome.value.text}
        </p>
      )}
      <Confirm />
    </Card>
  );
}
