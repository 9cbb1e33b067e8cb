// Messages to the local syslog: RFC 3164 as syslog(3) sends them, without a host name.
import type { LogLevel } from '../desired/types.ts';

/** Numbers of syslog(3). */
const FACILITIES: Readonly<Record<string, number>> = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  security: 4,
  syslog: 5,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ftp: 11,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
};

const SEVERITIES: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7, trace: 7 };
const SEVERITY_BITS = 8;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Case does not matter; undefined for an unknown one. */
export function facilityNumber(name: string): number | undefined {
  return Object.hasOwn(FACILITIES, name.toLowerCase()) ? FACILITIES[name.toLowerCase()] : undefined;
}

export interface SyslogMessage {
  readonly facility: number;
  readonly level: LogLevel;
  /** Name of the program. */
  readonly tag: string;
  readonly pid: number;
  /** Local time. */
  readonly time: Date;
  readonly text: string;
}

/** `<27>Nov  5 10:12:55 tag[pid]: text`; control characters are blanks, so that one message stays one. */
export function syslogMessage({ facility, level, tag, pid, time, text }: SyslogMessage): string {
  const two = (number: number) => String(number).padStart(2, '0');
  const day = `${MONTHS[time.getMonth()]} ${String(time.getDate()).padStart(2)}`;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  const priority = facility * SEVERITY_BITS + SEVERITIES[level];
  return `<${priority}>${day} ${clock} ${tag}[${pid}]: ${text.replaceAll(/\p{Cc}+/gu, ' ')}`;
}
