/**
 * What a command's exit code means, the same in every tool of the suite. A tool that runs a user's command passes that command's code
 * through untouched. `docs` of a tool name its additions.
 */
export const EXIT = {
  ok: 0,
  /** It ran and the answer is bad. */
  failed: 1,
  /** Bad command line. */
  usage: 2,
  /** The daemon asked about does not run (LSB and systemd use 3 too). */
  notRunning: 3,
  /** A config file is wrong (s6 uses 100 for "will not get better by retrying"). */
  badConfig: 100,
  /** A system call failed (s6 uses 111 for "may get better by retrying"). */
  system: 111,
  /** As coreutils `timeout`. */
  timeout: 124,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
