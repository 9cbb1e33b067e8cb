import { signal } from '@preact/signals';
import type {
  ActionRegistered,
  ButtonAction,
  ButtonDescription,
  ScheduleObject,
} from '@suite/shared/wire/verwalter.ts';
import { useEffect, useRef } from 'preact/hooks';
import { Card } from '../common/frame.tsx';
import { postJson } from '../common/live.ts';
import { placements } from './schedule.ts';

interface Press {
  readonly role: string;
  readonly button: ButtonDescription;
}

/** What happened to the newest press, in words. */
const outcome = signal<{ text: string; bad: boolean } | undefined>(undefined);
const asking = signal<Press | undefined>(undefined);

async function send({ role, button }: Press): Promise<void> {
  asking.value = undefined;
  const action: ButtonAction = {
    button: { action: button.id, role, ...(button.data === undefined ? {} : { data: button.data }) },
  };
  try {
    const { registered } = await postJson<ActionRegistered>('v1/action', action);
    outcome.value = {
      text: `“${button.title}” is registered as ${registered}; the next schedule takes it into account.`,
      bad: false,
    };
  } catch (error) {
    outcome.value = {
      text: `“${button.title}” was refused: ${error instanceof Error ? error.message : error}`,
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
export function Buttons({ schedule, pending }: { schedule: ScheduleObject; pending: number }) {
  const offered = placements(schedule).filter(({ buttons }) => buttons.length > 0);
  return (
    <Card title="Buttons" note={pending > 0 ? `${pending} pending` : ''}>
      {offered.length === 0 && <p class="quiet">The scheduler offers none.</p>}
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
                  onClick={() => press({ role, button })}
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
