import { type Signal, signal } from '@preact/signals';

/** What is known and how fresh it is. A page shows `stale` instead of pretending that old figures are current. */
export interface Live<T> {
  readonly value: T | undefined;
  readonly receivedMs: number;
  readonly error: string | undefined;
}

/** Longest single wait for an answer: longer than two scans, shorter than a person's patience. */
const REQUEST_TIMEOUT_MS = 5_000;

/** The daemon is there and said no: asking again does not help, and its words should be seen. */
export class RefusedError extends Error {}

export async function getJson<T>(url: string, init: RequestInit = {}): Promise<T> {
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  if (!answer.ok) throw new RefusedError(`${url}: ${answer.status} ${(await answer.text()).slice(0, 300)}`);
  return (await answer.json()) as T;
}

export function postJson<T>(url: string, body: unknown): Promise<T> {
  return getJson<T>(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Asks again `everyMs` after each answer (never two at once), sooner when `nudge` is called; keeps the last good value. */
export function poll<T>(
  load: () => Promise<T>,
  everyMs: number,
): { state: Signal<Live<T>>; nudge: () => void } {
  const state = signal<Live<T>>({ value: undefined, receivedMs: 0, error: undefined });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;
  const round = async () => {
    if (busy) return;
    busy = true;
    clearTimeout(timer);
    try {
      state.value = { value: await load(), receivedMs: Date.now(), error: undefined };
    } catch (error) {
      state.value = { ...state.value, error: error instanceof Error ? error.message : String(error) };
    }
    busy = false;
    timer = setTimeout(round, everyMs);
  };
  void round();
  return { state, nudge: () => void round() };
}

/** Calls `onMessage` for every push; reconnects for ever with growing pauses (0.5 s up to 8 s). */
export function push(path: string, onMessage: (data: unknown) => void): void {
  let pauseMs = 500;
  const connect = () => {
    const socket = new WebSocket(new URL(path, location.href.replace(/^http/, 'ws')));
    socket.onopen = () => {
      pauseMs = 500;
    };
    socket.onmessage = event => onMessage(JSON.parse(String(event.data)));
    socket.onclose = () => {
      setTimeout(connect, pauseMs);
      pauseMs = Math.min(pauseMs * 2, 8_000);
    };
  };
  connect();
}
