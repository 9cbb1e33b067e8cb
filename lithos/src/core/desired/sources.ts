// The parsed files of one sandbox, as the reader hands them to the checks.

import type { YamlNode } from '@suite/shared/yaml/index.ts';
import type { ContainerKeys } from '../../config/container.ts';
import type { ProcessEntry } from '../../config/process.ts';
import type { SandboxKeys } from '../../config/sandbox.ts';

export interface Parsed<T> {
  readonly value: T;
  readonly node: YamlNode;
}

/** One process entry with the container file it names; `container` is undefined when that could not be read. */
export interface EntrySources {
  readonly process: string;
  readonly entry: ProcessEntry;
  readonly imageRoot: string;
  readonly container: Parsed<ContainerKeys> | undefined;
}

export interface SandboxSources {
  readonly name: string;
  readonly sandbox: Parsed<SandboxKeys>;
  readonly processes: Parsed<Readonly<Record<string, ProcessEntry>>>;
  /** False when the process file does not exist; nothing of the sandbox runs then. */
  readonly hasProcesses: boolean;
  readonly entries: readonly EntrySources[];
}
