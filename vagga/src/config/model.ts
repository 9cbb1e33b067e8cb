// The decoded project. Plain JSON all the way down: the start-up cache writes it to a file and reads it back.

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Where something stands in a config file; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One build step: the tag without `!` and its decoded value (struct fields in camelCase). */
export interface Step extends Place {
  readonly tag: string;
  readonly value: Json;
}

/** Ids `start` … `end - 1`, the form in which ranges are hashed and mapped. */
export interface IdRange {
  readonly start: number;
  readonly end: number;
}

export interface Volume extends Place {
  readonly tag: string;
  readonly value: Json;
}

export interface Container extends Place {
  readonly setup: readonly Step[];
  readonly dataDirs: readonly string[];
  readonly imageCacheUrl?: string;
  readonly autoClean: boolean;
  readonly environ: Readonly<Record<string, string>>;
  readonly environFile?: string;
  readonly defaultShell: readonly string[];
  /** `null` = no file is mounted. */
  readonly resolvConfPath: string | null;
  readonly hostsFilePath: string | null;
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
  readonly volumes: Readonly<Record<string, Volume>>;
}

interface CommandCommon extends Place {
  readonly description?: string;
  readonly epilog?: string;
  readonly prerequisites: readonly string[];
  readonly aliases: readonly string[];
  readonly group?: string;
  readonly isolateNetwork: boolean;
  readonly tags: readonly string[];
  /** Keys that are set here but that this version cannot honour; running the command names them. */
  readonly notAvailable: readonly string[];
}

export interface RunCommand extends CommandCommon {
  readonly kind: 'command';
  readonly container: string;
  /** A string is a shell script, a list is an argv. */
  readonly run: string | readonly string[];
  readonly workDir?: string;
  readonly acceptsArguments: boolean;
  readonly environ: Readonly<Record<string, string>>;
  readonly volumes: Readonly<Record<string, Volume>>;
  readonly userId: number;
  readonly groupId: number;
  readonly supplementaryGids: readonly number[];
}

export interface SuperviseCommand extends CommandCommon {
  readonly kind: 'supervise';
  readonly mode: 'stop-on-failure' | 'wait-all-successful';
  readonly killUnresponsiveAfterS: number;
  readonly children: Readonly<Record<string, RunCommand>>;
}

/** A command whose tag this version knows but cannot run (`!CapsuleCommand`). */
export interface OtherCommand extends CommandCommon {
  readonly kind: 'other';
  readonly tag: string;
}

export type Command = RunCommand | SuperviseCommand | OtherCommand;

export interface Project {
  readonly containers: Readonly<Record<string, Container>>;
  readonly commands: Readonly<Record<string, Command>>;
}
