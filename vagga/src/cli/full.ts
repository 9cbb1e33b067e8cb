// The full program: loads the project (YAML, schemas), builds, runs built-in commands. Loaded by cli/vagga.ts on demand.
import { statSync } from 'node:fs';
import { findProject } from '../adapters/project/find.ts';
import { load } from '../adapters/project/load.ts';
import { COMPATIBLE_VERSION } from '../config/version.ts';
import { listing } from '../core/listing.ts';
import { builtin } from './builtins/index.ts';
import { type GlobalOptions, HELP, parseOptions, USAGE } from './options.ts';
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
  if (process.getuid?.() === 0)
    return fail(122, 'You should not run vagga as root (see http://bit.ly/err_root)');
  fail(0, 'Warning: the project belongs to another user');
  return undefined;
}

function warnTypo(root: string): void {
  if (statSync(`${root}/vagga.yml`, { throwIfNoEntry: false })) {
    fail(0, `Warning: ${root}/vagga.yml is not read; did you mean vagga.yaml?`);
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const parsed = parseOptions(argv, process.env);
  if (parsed.kind === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  if (parsed.kind === 'version') {
    process.stdout.write(`v${SUITE_VERSION} (compatible with vagga v${COMPATIBLE_VERSION})\n`);
    return 0;
  }
  const found = findProject(process.cwd());
  if (found === undefined) {
    return fail(126, `Config not found in path ${JSON.stringify(process.cwd())}\n${NOT_FOUND_HINT}`);
  }
  warnTypo(found.root);
  const loaded = load(found);
  if (!loaded.ok) return fail(126, loaded.text);
  for (const warning of loaded.cache.warnings) fail(0, `Warning: ${warning}`);
  if (parsed.kind === 'wrong') return fail(122, `${USAGE}vagga: ${parsed.message}`);
  if (parsed.kind === 'bad-environment') return fail(126, parsed.message);
  const { options, words } = parsed;
  const owner = ownerProblem(found.root, options);
  if (owner !== undefined) return owner;
  const [word] = words;
  const session = new Session(found.root, loaded.cache, options);
  if (word === undefined) return fail(127, listing(loaded.cache.project));
  return (await builtin(session, words)) ?? (await runCommands(session, words));
}

main(process.argv.slice(2)).then(
  code => process.exit(code),
  error => {
    process.stderr.write(`vagga: internal error: ${(error as Error).stack}\n`);
    process.exit(121);
  },
);
