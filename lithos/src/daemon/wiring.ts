// The one place where the parts of the tree are made and know each other. Whatever joins the start of a container is a
// line in `attachments`.
import type { Logger } from '@suite/shared/cli/log.ts';
import { ownCgroupMounts } from '@suite/shared/linux/cgroup-files.ts';
import { CgroupMoves } from '@suite/shared/linux/cgroup-moves.ts';
import type { OciRuntime } from '@suite/shared/oci/runtime.ts';
import { realClock, realDisk, realProc, realRandom } from '@suite/shared/ports/real.ts';
import { asker } from '../adapters/ask.ts';
import type { Attachment } from '../adapters/attachment.ts';
import { Cgroups } from '../adapters/cgroups.ts';
import { Containers } from '../adapters/containers.ts';
import { ExitWatch } from '../adapters/exits.ts';
import { Inside } from '../adapters/inside.ts';
import { IoWeight } from '../adapters/io-weight.ts';
import { LastGood } from '../adapters/last-good.ts';
import { CONTROLLERS } from '../adapters/limits.ts';
import type { Master } from '../adapters/load-master.ts';
import { StdioLogs } from '../adapters/logs/stdio-logs.ts';
import type { TreeLog } from '../adapters/logs/tree-log.ts';
import { MetricsFile } from '../adapters/metrics-file.ts';
import { networkAttachment } from '../adapters/network-attachment.ts';
import { Networks } from '../adapters/networks.ts';
import { NotifySockets } from '../adapters/notify.ts';
import { RolloutFiles } from '../adapters/rollout-files.ts';
import { Secrets } from '../adapters/secrets/attachment.ts';
import { Sockets } from '../adapters/sockets.ts';
import { StdioTarget } from '../adapters/stdio-target.ts';
import { VolumeGuard } from '../adapters/volume-guard.ts';
import { Api } from './api/api.ts';
import { Configuration } from './configuration.ts';
import { MemoryKeeper } from './memory.ts';
import type { MakeObserver } from './observer.ts';
import { ProgramObserver } from './program-observer.ts';
import { keepToOurselves, passOnWhenReplaced } from './replace.ts';
import { Rollouts } from './rollouts.ts';
import { type Progress, snapshot } from './snapshot.ts';
import { SocketKeeper } from './socket-keeper.ts';
import { StatusWriter } from './status.ts';
import { Supervisor } from './supervisor.ts';
import { METRICS_PATH, type TreeOptions } from './surroundings.ts';
import { Witness } from './witness.ts';

/** What is fixed as long as this program runs. */
export interface Surroundings {
  readonly options: TreeOptions;
  readonly log: Logger;
  /** Where `log` writes. */
  readonly treeLog: TreeLog;
  readonly master: Master;
  readonly runtime: OciRuntime;
  /** Static init program of the host. */
  readonly init: string;
}

export interface Parts {
  readonly cgroups: Cgroups;
  readonly moves: CgroupMoves;
  readonly exits: ExitWatch;
  readonly sockets: Sockets;
  readonly containers: Containers;
  readonly logs: StdioLogs;
  readonly supervisor: Supervisor;
  readonly rollouts: Rollouts;
  readonly configuration: Configuration;
  readonly status: StatusWriter;
  readonly witness: Witness;
  readonly api: Api;
}

/** In the order in which they are asked; later ones win. */
function attachments(
  { master: { paths }, log }: Surroundings,
  sockets: Sockets,
  notify: NotifySockets,
  logs: StdioLogs,
): Attachment[] {
  const secrets = new Secrets(realDisk);
  const networks = new Networks({ directory: paths.networksDir, proc: realProc, log });
  const network = networkAttachment(networks, sockets);
  return [new VolumeGuard(), new StdioTarget(paths), network, secrets, notify, logs.attachment];
}

/** What is not limited here is said once, not at every start. */
function cgroupsOf({ master, log }: Surroundings): Cgroups {
  const cgroups = new Cgroups(master.keys, realClock);
  const unlimited = CONTROLLERS.filter(name => !cgroups.limits.controllers.has(name));
  if (unlimited.length > 0) log.warn(`containers have no limits of ${unlimited.join(', ')}`, { unlimited });
  return cgroups;
}

/** Where they cannot be made quick, a move is announced as soon as a program ends, which takes a part of the wait away. */
function movesOf({ master: { keys, paths }, log }: Surroundings): CgroupMoves {
  const moves = new CgroupMoves(ownCgroupMounts());
  try {
    if (keys.cgroupName !== null && keys.cgroupFavordynmods) moves.favor(paths.favorMark);
    else moves.disfavor(paths.favorMark);
  } catch (error) {
    log.info(`moves into cgroups wait for the kernel: ${(error as Error).message}`);
  }
  return moves;
}

function exitsOf({ master: { paths }, log }: Surroundings, cgroups: Cgroups): ExitWatch {
  const onError = (error: Error) => log.error(`watching ${paths.exitsDir}: ${error.message}`);
  return new ExitWatch(paths, onError, name => cgroups.stats(name).oomKills);
}

function logsOf({ master, log }: Surroundings, onChange: () => void): StdioLogs {
  const { paths, keys } = master;
  const limits = { sizeBytes: keys.stdioLogSize, files: keys.stdioLogFiles };
  return new StdioLogs({ paths, limits, clock: realClock, log, onChange });
}

function observersOf(
  { master, log, runtime }: Surroundings,
  cgroups: Cgroups,
  notify: NotifySockets,
  onStatus: () => void,
): MakeObserver {
  const world = { clock: realClock, disk: realDisk, paths: master.paths, log };
  const inside = new Inside({ ...world, runtime, cgroups });
  const options = { ...world, notify, inside, ask: asker(inside, realClock), random: realRandom, onStatus };
  return report => new ProgramObserver({ ...options, report });
}

function witnessOf({ master, log }: Surroundings, supervisor: () => Supervisor): Witness {
  const { paths } = master;
  const wanted = () =>
    supervisor()
      .all()
      .filter(({ desired }) => desired !== undefined);
  return new Witness({
    clock: realClock,
    log,
    // A monitor that inherited it would be taken for the one who publishes them.
    metrics: new MetricsFile(keepToOurselves(METRICS_PATH) ?? paths.metricsBase),
    configured: () => new Set(wanted().map(({ name }) => name)),
  });
}

/** Number of the first reading that begins from now on. */
function requestReload({ reloads, isReading }: Progress): number {
  process.kill(process.pid, 'SIGHUP');
  return reloads + (isReading ? 2 : 1);
}

export function wire(around: Surroundings, progress: Progress): Parts {
  const { log, master, runtime, init } = around;
  const { paths } = master;
  const world = { clock: realClock, disk: realDisk, paths, log };
  const cgroups = cgroupsOf(around);
  const exits = exitsOf(around, cgroups);
  const sockets = new Sockets(log);
  passOnWhenReplaced(() => sockets.fds());
  const notify = new NotifySockets(paths.notifyDir);
  const logs = logsOf(around, () => status.changed());
  const moves = movesOf(around);
  const containers = new Containers({
    ...world,
    runtime,
    cgroups,
    moves,
    init,
    attachments: [new IoWeight(cgroups), ...attachments(around, sockets, notify, logs)],
  });
  const memory = new MemoryKeeper(realClock);
  const onChange = () => {
    for (const each of [rollouts, status, keeper, memory]) each.changed();
  };
  const witness = witnessOf(around, () => supervisor);
  const supervisor = new Supervisor({
    ...world,
    containers,
    exits,
    logs,
    onChange,
    makeObserver: observersOf(around, cgroups, notify, onChange),
    onStep: (before, after, event) => witness.step(supervisor, before, after, event),
  });
  const rollouts = new Rollouts({
    ...world,
    supervisor,
    files: new RolloutFiles(realDisk, paths.rolloutsDir),
    onChange: () => status.changed(),
  });
  const configuration = new Configuration({
    ...world,
    lastGood: new LastGood(realDisk, paths.lastGoodDir),
    onLogs: logs => around.treeLog.configure(logs),
  });
  const keeper = new SocketKeeper({
    clock: realClock,
    sockets,
    instances: () => supervisor.all(),
    isKnown: () => progress.reading.desired !== undefined,
  });
  const look = () => snapshot(around, progress, supervisor, rollouts);
  const status = new StatusWriter({
    ...world,
    file: paths.statusFile,
    snapshot: look,
    onWrite: now => witness.publish(now),
  });
  const api = new Api({
    ...world,
    cgroups,
    witness,
    version: around.options.version,
    status: look,
    verbs: supervisor,
    requestReload: () => requestReload(progress),
  });
  return {
    cgroups,
    moves,
    exits,
    sockets,
    containers,
    logs,
    supervisor,
    rollouts,
    configuration,
    status,
    witness,
    api,
  };
}
