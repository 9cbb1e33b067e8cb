import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

/** Keys act only outside text fields; none of them changes anything in the cluster. */
interface Shortcut {
  readonly keys: string;
  readonly label: string;
  readonly run: () => void;
}

const shortcuts = signal<readonly Shortcut[]>([]);
const helpOpen = signal(false);
let pending = '';

export function shortcut(keys: string, label: string, run: () => void): void {
  shortcuts.value = [...shortcuts.value.filter(entry => entry.keys !== keys), { keys, label, run }];
}

function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName))
    return;
  const key = event.key === ' ' ? 'Space' : event.key;
  const typed = `${pending} ${key}`.trim();
  const exact = shortcuts.value.find(entry => entry.keys === typed);
  pending = shortcuts.value.some(entry => entry.keys.startsWith(`${typed} `)) ? typed : '';
  if (exact === undefined) return;
  event.preventDefault();
  exact.run();
}

addEventListener('keydown', onKey);
shortcut('?', 'this help', () => {
  helpOpen.value = !helpOpen.value;
});

export function Shortcuts() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = helpOpen.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const close = () => {
    helpOpen.value = false;
  };
  return (
    <>
      <button type="button" title="keyboard help (?)" onClick={() => (helpOpen.value = true)}>
        ?
      </button>
      <dialog ref={dialog} onClose={close}>
        <h2>Keyboard</h2>
        <table>
          <tbody>
            {shortcuts.value.map(({ keys, label }) => (
              <tr key={keys}>
                <td>
                  {keys.split(' ').map(key => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </td>
                <td>{label}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <div class="row">
          <button type="button" onClick={close}>
            Close
          </button>
        </div>
      </dialog>
    </>
  );
}
