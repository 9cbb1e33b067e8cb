// Commands of vagga itself: names that start with `_`. One line here for each, its body in a file of its own.
import { relative } from 'node:path';
import type { Project } from '../../config/model.ts';
import { resolveCommand } from '../../core/plan/commands.ts';
import { type Session, say } from '../session.ts';
import { build } from './build.ts';
import { buildShell } from './build-shell.ts';
import { capsule } from './capsule.ts';
import { checkOverlayfs } from './check-overlayfs.ts';
import { clean } from './clean.ts';
import { compgen } from './compgen.ts';
import { completion } from './completion.ts';
import { devcontainerCommand, devcontainerTar } from './devcontainer.ts';
import { df } from './df.ts';
import { doctor } from './doctor.ts';
import { dumpProject } from './dump-config.ts';
import { execEntry } from './exec.ts';
import { exportEntry } from './export.ts';
import { hardlink } from './hardlink.ts';
import { help } from './help.ts';
import { ide } from './ide.ts';
import { initStorageDir } from './init-storage-dir.ts';
import { list } from './list.ts';
import { logsEntry } from './logs.ts';
import { createNetns, destroyNetns } from './netns.ts';
import { network } from './network.ts';
import { packImage } from './pack-image.ts';
import { psEntry } from './ps.ts';
import { pushImage } from './push-image.ts';
import { pushOciEntry } from './push-oci.ts';
import { type BuiltinEntry, entry } from './registry.ts';
import { restartEntry } from './restart.ts';
import { run } from './run.ts';
import { runInNetns } from './run-in-netns.ts';
import { stopEntry } from './stop.ts';
import { updateSymlinks } from './update-symlinks.ts';
import { print } from './usage.ts';
import { verify } from './verify.ts';
import { versionHash } from './version-hash.ts';
import { watchEntry } from './watch.ts';
import { why } from './why.ts';

const plain = (name: string, description: string) => ({ name, description, options: [], positionals: [] });

type Builtins = Readonly<Record<string, BuiltinEntry>>;

/** Those of vagga 0.8 come before commands of the project. The first ones in the order that `_list --hidden` always had. */
const OF_OLD: Builtins = {
  _build: build,
  _run: run,
  _clean: clean,
  _list: { ...list(titles), outside: true },
  _base_dir: {
    ...entry(plain('vagga _base_dir', 'Print the directory of the project'), ({ layout }) =>
      print(layout.root),
    ),
    outside: true,
  },
  _relative_work_dir: {
    ...entry(
      plain('vagga _relative_work_dir', 'Print the current directory below that of the project'),
      session => print(relative(session.layout.root, process.cwd())),
    ),
    outside: true,
  },
  _update_symlinks: { ...updateSymlinks, outside: true },
  _compgen: { ...compgen(builtinsBeside), outside: true, hidden: true },
  _dump_config: dumpProject,
  _network: network,
  _create_netns: createNetns,
  _destroy_netns: destroyNetns,
  _run_in_netns: runInNetns,
  _help: { ...help(builtinsBeside), outside: true },
  _build_shell: buildShell,
  _capsule: capsule,
  _check_overlayfs_support: checkOverlayfs,
  _hardlink: hardlink,
  _verify: verify,
  _init_storage_dir: initStorageDir,
  _pack_image: packImage,
  _push_image: pushImage,
  _version_hash: versionHash,
};

/** Our own. Files that are older than these may have commands of such names, which go on working. */
const OURS: Builtins = {
  _completion: { ...completion, outside: true },
  _devcontainer: devcontainerCommand,
  _devcontainer_tar: { ...devcontainerTar, hidden: true },
  _doctor: doctor,
  _df: df,
  _ide: ide,
  _exec: { ...execEntry, outside: true },
  _logs: { ...logsEntry, outside: true },
  _ps: { ...psEntry, outside: true },
  _restart: { ...restartEntry, outside: true },
  _export: exportEntry,
  _push_oci: pushOciEntry,
  _stop: { ...stopEntry, outside: true },
  _watch: watchEntry,
  _why: why,
};

/** Without those whose name belongs to a command of the project. */
function builtinsBeside({ commands }: Project): Builtins {
  const ours = Object.entries(OURS).filter(([name]) => resolveCommand(commands, name) === undefined);
  return { ...OF_OLD, ...Object.fromEntries(ours) };
}

function titles(project: Project): readonly (readonly [string, string])[] {
  const shown = Object.entries(builtinsBeside(project)).filter(([, { hidden }]) => !hidden);
  return shown.map(([name, { title }]) => [name, title]);
}

/** Those that people call. */
export const ownCommands = (project: Project): readonly string[] => titles(project).map(([name]) => name);

function find(project: Project, name: string): BuiltinEntry | undefined {
  const known = builtinsBeside(project);
  return Object.hasOwn(known, name) ? known[name] : undefined;
}

/** Can this be done without the ids of containers? */
export function isOutside(project: Project, [name]: readonly string[]): boolean {
  return name === undefined || find(project, name)?.outside === true;
}

/** Undefined: not a built-in command; a command of the project may have such a name. */
export async function builtin(session: Session, words: readonly string[]): Promise<number | undefined> {
  const [name = '', ...rest] = words;
  const known = find(session.cache.project, name);
  if (session.options.explain && known !== undefined)
    return say(122, '--explain is for commands of the project');
  return await known?.run(session, rest);
}
