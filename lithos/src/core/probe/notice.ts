// What a program says on its notify socket: sd_notify(3), lines of NAME=VALUE. Only what lithos acts on or shows is kept.
import { LIMITS } from '../../config/defaults.ts';
import { inOneLine } from '../instance/printable.ts';

export interface Notice {
  readonly ready: boolean;
  readonly stopping: boolean;
  /** `trigger`: the program itself says that it is sick. */
  readonly watchdog: 'alive' | 'trigger' | null;
  /** Free words for people, without control characters; null: says nothing about it. */
  readonly status: string | null;
}

const NOTHING: Notice = { ready: false, stopping: false, watchdog: null, status: null };

function shown(text: string): string {
  return [...inOneLine(text)].slice(0, LIMITS.noticeStatusMax).join('');
}

function errno(value: string): string | null {
  return /^\d{1,4}$/.test(value) ? `failed with errno ${value}` : null;
}

function apply(notice: Notice, line: string): Notice {
  const at = line.indexOf('=');
  const [name, value] = [line.slice(0, at), line.slice(at + 1)];
  switch (name) {
    case 'READY':
      return value === '1' ? { ...notice, ready: true } : notice;
    case 'STOPPING':
      return value === '1' ? { ...notice, stopping: true } : notice;
    case 'WATCHDOG':
      if (value === '1') return { ...notice, watchdog: notice.watchdog ?? 'alive' };
      return value === 'trigger' ? { ...notice, watchdog: 'trigger' } : notice;
    case 'STATUS':
      return { ...notice, status: shown(value) };
    case 'ERRNO':
      return { ...notice, status: notice.status ?? errno(value) };
    default:
      return notice;
  }
}

/** Anything may come: what is not understood is passed over. */
export function parseNotice(text: string): Notice {
  return text.split('\n').reduce(apply, NOTHING);
}
