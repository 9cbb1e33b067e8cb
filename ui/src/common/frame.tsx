import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { duration } from './format.ts';
import { Shortcuts } from './keyboard.tsx';
import type { Live } from './live.ts';
import './theme.css';

const THEMES = ['system', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

function storedTheme(): Theme {
  const stored = new URLSearchParams(location.search).get('theme') ?? localStorage.getItem('theme');
  return THEMES.find(theme => theme === stored) ?? 'system';
}

export const theme = signal<Theme>(storedTheme());

function applyTheme(next: Theme): void {
  theme.value = next;
  localStorage.setItem('theme', next);
  if (next === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
}

export function nextTheme(): void {
  applyTheme(THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'system');
}

applyTheme(theme.value);

/** Ticks once a second so that ages move while no data arrives. */
export const nowMs = signal(Date.now());
setInterval(() => {
  nowMs.value = Date.now();
}, 1_000);

/** `staleMs`: age at which data is called stale; three missed rounds. */
export function Freshness<T>({ live, staleMs }: { live: Live<T>; staleMs: number }) {
  const ageMs = nowMs.value - live.receivedMs;
  if (live.value === undefined && live.error === undefined) return <span class="quiet">loading…</span>;
  if (ageMs > staleMs || live.value === undefined) {
    const since = live.receivedMs === 0 ? 'no answer yet' : `no news for ${duration(ageMs)}`;
    return (
      <span class="bad" role="status" title={live.error ?? ''}>
        <span class="dot" /> stale: {since}
      </span>
    );
  }
  return (
    <span class="good" role="status">
      <span class="dot" /> live
    </span>
  );
}

export function Frame(props: {
  title: string;
  facts: ComponentChildren;
  tools: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <>
      <header class="bar">
        <h1>{props.title}</h1>
        {props.facts}
        <span class="grow" />
        {props.tools}
        <button type="button" onClick={nextTheme} title="theme (t)">
          {theme.value}
        </button>
        <Shortcuts />
      </header>
      <main>{props.children}</main>
    </>
  );
}

export function Card({
  title,
  note,
  children,
}: {
  title: string;
  note?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="card" aria-label={title}>
      <h2>
        {title} <span class="quiet">{note}</span>
      </h2>
      {children}
    </section>
  );
}
