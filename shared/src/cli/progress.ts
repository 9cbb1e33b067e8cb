import { colours, type Environment, type OutputStream } from './colours.ts';

export type ProgressMode = 'auto' | 'tty' | 'plain' | 'json' | 'quiet';

export interface Step {
  /** What it is doing now; shown on a terminal and in JSON, not in plain output. */
  update(detail: string, fraction?: number): void;
  done(detail?: string): void;
  failed(reason: string): void;
}

export interface Progress {
  readonly mode: Exclude<ProgressMode, 'auto'>;
  start(title: string): Step;
  /** A line that stays, above the moving ones. */
  note(text: string): void;
}

export interface ProgressOptions {
  readonly env: Environment;
  readonly monotonicMs: () => number;
}

/** Redrawing faster than this only costs time. */
const REDRAW_MS = 50;

/**
 * Shows what takes long. `auto` is `tty` on a terminal that can move its cursor, else `plain` (a line at the start and one at the end of
 * each step). `quiet` prints failures only. `json` prints one object per line: {event: start | update | done | failed | note, …}.
 */
export function createProgress(stream: OutputStream, mode: ProgressMode, options: ProgressOptions): Progress {
  const chosen = mode === 'auto' ? (stream.isTTY && options.env.TERM !== 'dumb' ? 'tty' : 'plain') : mode;
  switch (chosen) {
    case 'tty':
      return new TerminalProgress(stream, options);
    case 'json':
      return jsonProgress(stream, options);
    case 'plain':
    case 'quiet':
      return lineProgress(stream, options, chosen);
  }
}

function seconds(fromMs: number, toMs: number): string {
  return `${((toMs - fromMs) / 1000).toFixed(1)} s`;
}

function lineProgress(stream: OutputStream, options: ProgressOptions, mode: 'plain' | 'quiet'): Progress {
  const ink = colours(stream, options.env);
  const say = (text: string) => mode === 'plain' && stream.write(`${text}\n`);
  return {
    mode,
    note: say,
    start(title) {
      const startedMs = options.monotonicMs();
      const took = () => seconds(startedMs, options.monotonicMs());
      say(`${title} …`);
      return {
        update: () => {},
        done: detail => void say(`${title}: ${ink.green(detail ?? 'done')} (${took()})`),
        failed: reason => void stream.write(`${title}: ${ink.red(`failed: ${reason}`)} (${took()})\n`),
      };
    },
  };
}

function jsonProgress(stream: OutputStream, options: ProgressOptions): Progress {
  let lastId = 0;
  const emit = (event: string, fields: object) =>
    void stream.write(`${JSON.stringify({ event, ...fields })}\n`);
  return {
    mode: 'json',
    note: text => emit('note', { text }),
    start(title) {
      const id = ++lastId;
      const startedMs = options.monotonicMs();
      const durationMs = () => Math.round(options.monotonicMs() - startedMs);
      emit('start', { id, title });
      return {
        update: (detail, fraction) => emit('update', { id, detail, fraction }),
        done: detail => emit('done', { id, title, detail, durationMs: durationMs() }),
        failed: reason => emit('failed', { id, title, reason, durationMs: durationMs() }),
      };
    },
  };
}

interface Running {
  readonly title: string;
  readonly startedMs: number;
  detail: string;
}

/** Running steps are lines at the bottom, redrawn in place; a finished step becomes a line that stays. */
class TerminalProgress implements Progress {
  readonly mode = 'tty';
  private readonly running = new Set<Running>();
  private drawn = 0;
  private drawnAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly stream: OutputStream,
    private readonly options: ProgressOptions,
  ) {}

  note(text: string): void {
    this.draw(`${text}\n`);
  }

  start(title: string): Step {
    const ink = colours(this.stream, this.options.env);
    const step: Running = { title, startedMs: this.options.monotonicMs(), detail: '' };
    this.running.add(step);
    this.draw('');
    const end = (mark: string, detail: string) => {
      // A step ends once: a late call must not print a second line.
      if (!this.running.delete(step)) return;
      this.draw(
        `${mark} ${title}${detail} ${ink.dim(seconds(step.startedMs, this.options.monotonicMs()))}\n`,
      );
    };
    return {
      update: (detail, fraction) => {
        step.detail = fraction === undefined ? detail : `${detail} ${Math.round(fraction * 100)} %`;
        if (this.options.monotonicMs() - this.drawnAtMs >= REDRAW_MS) this.draw('');
      },
      done: detail => end(ink.green('✔'), detail === undefined ? '' : `: ${detail}`),
      failed: reason => end(ink.red('✘'), `: ${reason}`),
    };
  }

  /** One write per redraw, so that a terminal never shows half of it. */
  private draw(above: string): void {
    const nowMs = this.options.monotonicMs();
    const erase = this.drawn === 0 ? '' : `\x1b[${this.drawn}A\r\x1b[J`;
    const room = (this.stream.columns ?? 80) - 1;
    const lines = [...this.running].map(step => {
      const detail = step.detail === '' ? '' : `: ${step.detail}`;
      // A wrapped line would break the count of lines to erase.
      return `${[...`· ${step.title}${detail} ${seconds(step.startedMs, nowMs)}`].slice(0, room).join('')}\n`;
    });
    this.stream.write(erase + above + lines.join(''));
    this.drawn = lines.length;
    this.drawnAtMs = nowMs;
  }
}
