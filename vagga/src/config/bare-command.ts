// A command that no config describes: `_run`, a shell for looking around.
import { RESTART_BACKOFF_MAX_S } from './defaults.ts';
import type { RunCommand } from './model.ts';

/** `argv` in `container`, as root of it, with nothing else. */
export function bareCommand(container: string, argv: readonly string[]): RunCommand {
  return {
    kind: 'command',
    file: '',
    line: 0,
    column: 0,
    prerequisites: [],
    aliases: [],
    isolateNetwork: false,
    tags: [],
    container,
    run: argv,
    acceptsArguments: true,
    environ: {},
    volumes: {},
    writeMode: 'read-only',
    pid1mode: 'wait',
    userId: 0,
    groupId: 0,
    supplementaryGids: [],
    restart: 'never',
    restartBackoffMax: RESTART_BACKOFF_MAX_S,
    maxRestarts: 0,
    stopSignal: 'TERM',
    envFiles: [],
    watch: [],
  };
}
