// A project of yarn or pnpm, installed into /usr/lib/node_modules.
import { LATEST_ALPINE, startAlpine } from '../alpine.ts';
import { type Feature, requireFeatures } from '../features.ts';
import { type BuildAction, type BuildState, done, type Outcome } from '../state.ts';

const MODULES = '/usr/lib/node_modules';
const SCRATCH = '/tmp/node-project';

/**
 * $1: the project. The installer works in a scratch directory, so that neither the project's own node_modules nor what
 * other steps installed globally is read or removed. Lifecycle scripts find the project's files through links; packages that
 * package.json takes from a directory beside it are copied, because installers copy a link as a link.
 */
const FILL_SCRATCH = `
directory=$1; shift
mkdir -p ${MODULES} ${SCRATCH}
for path in "$directory"/* "$directory"/.[!.]*; do
  name=\${path##*/}
  [ -e "$path" ] || continue
  case $name in
    node_modules|.git|.vagga) ;;
    package.json|yarn.lock|pnpm-lock.yaml|pnpm-workspace.yaml|.npmrc|.yarnrc) cp "$path" ${SCRATCH}/ ;;
    *)
      if grep -Eq '"(file:(\\./)?|\\./)'"$name"'(/[^"]*)?"' "$directory/package.json"
      then cp -a "$path" ${SCRATCH}/
      else ln -s "$path" ${SCRATCH}/
      fi ;;
  esac
done
cd ${SCRATCH}
`;

/**
 * A package takes the place of what had its name; what is hidden (`.bin`, `.pnpm`) is merged. A link out of the modules is one
 * to a package of the project, and the project is at its place when commands run.
 */
const MOVE_MODULES = `
if [ -d node_modules ]; then
  cd node_modules
  find . -path '*/.bin/*' -type f -exec sed -i 's,${SCRATCH}/node_modules,${MODULES},g' {} +
  for name in [!.@]* @*/*; do
    if [ -L "$name" ]; then
      real=$(readlink -f "$name")
      case $real in
        ${SCRATCH}/node_modules/*) ;;
        ${SCRATCH}/*) ln -sfn "$directory\${real#${SCRATCH}}" "$name" ;;
        *) ln -sfn "$real" "$name" ;;
      esac
    fi
    if [ -e "$name" ] || [ -L "$name" ]; then
      rm -rf "${MODULES}/$name"
      mkdir -p "$(dirname "${MODULES}/$name")"
      mv "$name" "${MODULES}/$name"
    fi
  done
  for name in .[!.]*; do
    if [ -e "$name" ] && [ ! -e "${MODULES}/$name" ]; then mv "$name" ${MODULES}/; fi
  done
  cp -af . ${MODULES}/
fi
`;

/** yarn makes links; the scripts that pnpm makes look beside themselves, so a link in /usr/bin would lead them astray. */
const LINK_PROGRAMS = `
for program in ${MODULES}/.bin/*; do
  name=$(basename "$program")
  if [ -L "$program" ] && [ -e "$program" ]; then
    ln -sfn "$(readlink -f "$program")" "/usr/bin/$name"
  elif [ -e "$program" ]; then
    rm -f "/usr/bin/$name"
    printf '#!/bin/sh\\nexec %s "$@"\\n' "$program" > "/usr/bin/$name"
    chmod 755 "/usr/bin/$name"
  fi
done
rm -rf ${SCRATCH}
`;

const INSTALL = `${FILL_SCRATCH}(set -x; "$@")\n${MOVE_MODULES}${LINK_PROGRAMS}`;

/** Node.js on the distribution there is or on the implied one, with what fetching packages takes. */
export function withNode(state: BuildState, ...more: readonly Feature[]): Outcome {
  const base = state.distribution === undefined ? startAlpine(state, LATEST_ALPINE) : done(state);
  if (!base.ok) return base;
  const node: readonly Feature[] = base.state.languages.npm.installNode ? ['node', ...more] : [];
  const required = requireFeatures(base.state, 'build-essentials', 'https', ...node);
  return required.ok ? done(required.state, ...base.actions, ...required.actions) : required;
}

/** Runs the installer `argv` for the project in `dir`. */
export function inProject(
  state: BuildState,
  dir: string,
  argv: readonly string[],
  cache: Record<string, string>,
) {
  const directory = dir === '.' ? '/work' : `/work/${dir}`;
  return {
    kind: 'run',
    argv: ['/bin/sh', '-ec', INSTALL, 'node', directory, ...argv],
    env: state.env,
    caches: { ...state.caches, ...cache },
  } satisfies BuildAction;
}
