import type { Logger } from '@suite/shared/cli/log.ts';
import type { Clock, Disk, Net, Proc, Random } from '@suite/shared/ports/index.ts';
import type { EngineKind } from '../core/scheduler/engine.ts';

/** What the command line decides; see `verwalter --help` for each. */
export interface DaemonOptions {
  readonly version: string;
  readonly machineId: string;
  readonly hostname: string;
  readonly name: string;
  /** IP addresses to bind TCP and UDP on. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly configDir: string;
  readonly storageDir: string;
  readonly logDir: string;
  readonly cantalUrl: string;
  readonly peerStaleMs: number;
  readonly engine: EngineKind;
  readonly dryRun: boolean;
  readonly forceLeader: boolean;
  readonly allowMinority: boolean;
  readonly frontend: string;
  /** Where the built web UI lies; it may be absent. */
  readonly uiDir: string;
}

export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly net: Net;
  readonly disk: Disk;
  readonly proc: Proc;
}

/** What every part of the daemon gets. */
export interface Context {
  readonly options: DaemonOptions;
  readonly ports: Ports;
  readonly log: Logger;
}

/** Exit codes of the daemon (docs: "Exit codes"). */
export const EXIT_CODE = {
  config: 3,
  scheduler: 4,
  listener: 81,
  watchdog: 91,
} as const;
