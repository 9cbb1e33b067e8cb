// The full program: loads the project (YAML, schemas), builds, runs built-in commands. Loaded by cli/vagga.ts on demand.
import { readFileSync, statSync } from 'node:fs';
import { AFTER_BUILD, doAfterBuild } from '../adapters/image/after-build.ts';
import { currentIds, hideFromPrograms, isInside } from '../adapters/namespace/current.ts';
import { enterNamespace } from '../adapters/namespace/enter.ts';
import { SETUP_NETWORK, setUpNetwork } from '../adapters/namespace/network.ts';
import { findProject, mistaken, mistakenFiles } from '../adapters/project/find.ts';
import { load } from '../adapters/project/load.ts';
import { COMPATIBLE_VERSION } from '../config/version.ts';
import { listing } from '../core/listing.ts';
import { type GlobalOptions, parseGlobal } from '../core/options/global.ts';
import { type Assigned, assignedVariables } from '../core/run/assigned.ts';
import { builtin } from './builtins/index.ts';
import { runCommands } from './run-commands.ts';
import { Session } from './session.ts';

declare const SUITE_VERSION: string;

function fail(code: number, text: string): number {
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
  return code;
}

const NOT_FOUND_HINT = 'Change to a directory of a project, or create vagga.yaml there (see docs/config.md).';

/** Root working in somebody's project would leave files that the owner cannot remove. */
function ownerProblem(root: string, options: GlobalOptions): number | undefined {
  const owner = statSync(root).uid;
  if (options.ignoreOwnerCheck || owner === process.getuid?.()) return undefined;
  if (process.getuid?.() === 0 && currentIds().ids.kind === 'real')
    return fail(122, 'You should not run vagga as root (see http://bit.ly/err_root)');
  fail(0, 'Warning: the project belongs to another user');
  return undefined;
}

/** Built-in commands that touch neither images nor owners of files: they need no user namespace. */
const OUTSIDE = new Set(['_base_dir', '_compgen', '_dump_config', '_help', '_list', '_relative_work_dir']);

const needsIds = ([word]: readonly string[]): boolean => word !== undefined && !OUTSIDE.has(word);

/** `--env-file`, `-e` and `-E`; a file that cannot be read is an error like a bad name. */
function handedIn({ assigned, copied, envFiles }: GlobalOptions): Assigned {
  try {
    const files = envFiles.map(name => ({ name, text: readFileSync(name, 'utf8') }));
    return assignedVariables({ caller: process.env, files, copied, assigned });
  } catch (error) {
    return { ok: false, message: `--env-file cannot be read: ${(error as Error).message}` };
  }
}

async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === AFTER_BUILD) {
    doAfterBuild(JSON.parse(argv[1] ?? ''));
    return 0;
  }
  hideFromPrograms();
  const parsed = parseGlobal(argv);
  if (parsed.kind === 'help') {
    process.stdout.write(parsed.text);
    return 0;
  }
  if (parsed.kind === 'version') {
    process.stdout.write(`v${SUITE_VERSION} (compatible with vagga v${COMPATIBLE_VERSION})\n`);
    return 0;
  }
  const found = findProject(process.cwd());
  if (found === undefined) {
    for (const file of mistakenFiles(process.cwd())) fail(0, `Warning: ${mistaken(file)}`);
    return fail(126, `Config not found in path ${JSON.stringify(process.cwd())}\n${NOT_FOUND_HINT}`);
  }
  const loaded = load(found);
  if (loaded.ok && parsed.kind === 'run' && needsIds(parsed.words) && !isInside()) enterNamespace();
  if (!loaded.ok) return fail(126, loaded.text);
  for (const warning of loaded.cache.warnings) fail(0, `Warning: ${warning}`);
  if (parsed.kind === 'wrong') return fail(122, parsed.text);
  const { options, words } = parsed;
  const owner = ownerProblem(found.root, options);
  if (owner !== undefined) return owner;
  const assigned = handedIn(options);
  if (!assigned.ok) return fail(126, assigned.message);
  const [word] = words;
  const session = new Session(found.root, loaded.cache, options, assigned.variables);
  if (word === undefined) return fail(127, listing(loaded.cache.project));
  return (await builtin(session, words)) ?? (await runCommands(session, words));
}

if (process.argv[2] === SETUP_NETWORK) setUpNetwork();
else
  main(process.argv.slice(2)).then(
    code => process.exit(code),
    error => {
      process.stderr.write(`vagga: internal error: ${(error as Error).stack}\n`);
      process.exit(121);
    },
  );
