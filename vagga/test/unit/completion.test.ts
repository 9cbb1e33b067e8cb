import t from 'tap';
import { containerRows, listing, listRows, zshRows } from '../../src/core/listing.ts';
import { complete } from '../../src/core/options/complete.ts';
import { flag, valued } from '../../src/core/options/spec.ts';
import { isOwnName, symlinkCommand } from '../../src/core/plan/symlinks.ts';
import { project } from './helpers.ts';

const CONTRACT = project(`
containers:
  data: {data-dirs: [/data]}
  ubuntu: {}
commands:
  yes: !Command {container: ubuntu, run: [yes], aliases: [aye]}
  no: !Command {container: ubuntu, run: [no]}
  dont_care: !Supervise
    children:
      no: !Command {container: ubuntu, run: [no]}
      yes: !Command {container: ubuntu, run: [yes], tags: [yes]}
`);

/** The last word is what is being typed. */
function offered(...words: string[]): string {
  const world = { project: CONTRACT, own: [], everything: false };
  return complete(world, words.slice(0, -1), words.at(-1) as string).join(' ');
}

const GLOBAL =
  '-V --version -E --env --environ -e --use-env --ignore-owner-check --no-image-download --no-build ' +
  '--no-version-check --no-net --no-network --isolate-network';
const MODES = '--no-image-download --no-build --no-version-check';

t.test('§4.5 completion: commands and global options', async t => {
  t.equal(offered(''), 'dont_care no yes');
  t.equal(offered('-'), GLOBAL);
  t.equal(
    offered('--'),
    GLOBAL.split(' ')
      .filter(name => name.startsWith('--'))
      .join(' '),
  );
  t.equal(offered('--e'), '--env --environ');
  t.equal(offered('y'), 'yes');
  t.equal(offered('a'), '', 'aliases are not offered');
  t.equal(offered('--no-build', '--no-b'), '', 'given once');
  t.equal(offered('--isolate-network', '--no-n'), '', 'under any of its names');
  t.equal(offered('-E', 'A=1', '--env'), '--env --environ', 'may come again');
  t.equal(offered('-E', ''), '', 'waits for its value');
  t.equal(offered('--environ=A=1', 'y'), 'yes');
  t.equal(offered('--no-such-option', 'y'), 'yes');
  t.equal(offered('yes', ''), '');
  t.equal(offered('yes', '-'), '');
  t.equal(offered('nobody', ''), '');
});

t.test('§4.5 completion: supervised children', async t => {
  t.equal(offered('dont_care', ''), `--only --exclude ${MODES}`);
  t.equal(offered('dont_care', '--only', ''), 'no yes');
  t.equal(offered('dont_care', '--only', 'yes', ''), 'no');
  t.equal(offered('dont_care', '--only', 'yes', '-'), `--exclude ${MODES}`);
  t.equal(offered('dont_care', '--no-build', ''), '--only --exclude --no-image-download --no-version-check');
  t.equal(offered('dont_care', '--exclude', 'n'), 'no');
});

const BUILTINS =
  '_build _build_shell _clean _create_netns _destroy_netns _init_storage_dir _list _pack_image _push_image _run ' +
  '_run_in_netns _version_hash _check_overlayfs_support _base_dir _relative_work_dir _update_symlinks';

t.test('§4.5 completion, §4.4 _compgen: built-in commands', async t => {
  t.equal(offered('_'), BUILTINS);
  t.equal(offered('_build', ''), 'data ubuntu');
  t.equal(offered('_build', '-'), '--force');
  t.equal(offered('_build', 'ubuntu', ''), '');
  t.equal(offered('_build', 'ubuntu', '-'), '');
  t.equal(offered('_run', ''), 'ubuntu', 'nothing can run in a data container');
  t.equal(offered('_run', '-'), `-W --writable ${MODES}`);
  t.equal(offered('_run', '-W', '-'), MODES);
  t.equal(offered('_run_in_netns', ''), 'ubuntu');
  t.equal(offered('_run_in_netns', '-'), `--pid ${MODES}`);
  t.equal(offered('_run_in_netns', '--pid', ''), '');
  t.equal(
    offered('_clean', '-'),
    '--tmp --tmp-folders --old --old-containers --unused --transient --global -n --dry-run',
  );
  t.equal(offered('_create_netns', '-'), '--dry-run --no-iptables');
  t.equal(offered('_destroy_netns', '-'), '--dry-run --no-iptables');
  t.equal(offered('_pack_image', '-'), `-f --file -z --gzip -j --bzip2 -J --xz ${MODES}`);
  t.equal(offered('_push_image', '-'), MODES);
  t.equal(offered('_version_hash', '-'), '-s --short -fd3');
  t.equal(offered('_version_hash', ''), 'data ubuntu');
});

t.test('our scripts ask for everything', async t => {
  const config = project(`
containers: {c: {}}
commands:
  _hidden: !Command {container: c, run: [x]}
  s: !Supervise {children: {}}
  o: !Command {container: c, run: x, options: "Usage: vagga o [options]\\n\\n-f, --file X  File"}
`);
  const own = [
    { name: '_logs', options: [], words: 'commands' as const, many: true },
    { name: '_doctor', options: [flag('json', ['--json'], '')], words: 'nothing' as const },
    {
      name: '_build',
      options: [flag('force', ['--force'], ''), valued('x', ['--x'], 'X', '')],
      words: 'containers' as const,
    },
  ];
  const all = (...words: string[]) =>
    complete({ project: config, own, everything: true }, words.slice(0, -1), words.at(-1) as string).join(
      ' ',
    );
  t.equal(all('_'), `_hidden ${BUILTINS} _logs _doctor`);
  t.equal(all('_doctor', '-'), '--json');
  t.equal(all('_build', '--'), '--force --x', 'as the command really is');
  t.equal(all('--run'), '--run-multi');
  t.equal(all('-m', 'o', ''), 'o s', 'several commands');
  t.equal(all('o', '--'), '--file --help');
  t.match(all('s', ''), '--no-log-prefix');
  t.equal(all('_logs', ''), 'o s');
  t.equal(all('_logs', 'o', ''), 's', 'several, each once');
  t.equal(all('_doctor', ''), '');
});

const LISTED = project(`
containers: {b: {}, a: {}}
commands:
  docs: !Command {container: a, run: x, description: Build docs, aliases: [d, top]}
  run-the-whole-thing-ok: !Command {container: a, run: x, description: Long}
  top: !Command {container: a, run: x}
  two: !Command {container: a, run: x, description: "one\\ntwo\\n"}
  _x: !Command {container: a, run: x, group: Hidden ones}
  ünïcödé: !Command {container: a, run: x, description: Bytes, group: More}
`);

t.test('§4.3 listing, §1.6 group, §1.6 aliases, §1.6 description: groups, columns, hidden ones', async t => {
  t.equal(
    listing(LISTED),
    `Hidden ones:

Available commands:
    docs                Build docs
                        (aliases: d)
    run-the-whole-thing-ok
                        Long
    top
    two                 one
                        two
                        

More:
    ünïcödé${' '.repeat(9)}Bytes
`,
  );
  const sample = project(`
containers: {c: {}}
commands:
  echo-cmd: !Command {container: c, run: x}
  v37-calc: !Command {container: c, run: x, aliases: [new-calc, just-calc]}
  v32-calc: !Command {container: c, run: x, group: Old alpine commands}
`);
  t.equal(
    listing(sample),
    `Available commands:
    echo-cmd
    v37-calc
                        (aliases: new-calc, just-calc)

Old alpine commands:
    v32-calc
`,
  );
  t.equal(listing(project('containers: {}')), '');
});

t.test('§4.4 _list: rows', async t => {
  const options = { hidden: false, aliases: true, verbose: false };
  const own = [['_build', 'Build']] as const;
  t.equal(
    listRows(LISTED, own, options),
    `docs                Build docs
d                   Build docs
run-the-whole-thing-ok
                    Long
top                 
two                 one
                    two
                    
ünïcödé${' '.repeat(9)}Bytes
`,
  );
  t.match(listRows(LISTED, own, { ...options, hidden: true }), /^_x {18}\n[\s\S]*\n_build {14}Build\n$/);
  t.notMatch(listRows(LISTED, own, { ...options, aliases: false }), /^d /m);
  const verbose = listRows(LISTED, own, { ...options, hidden: true, verbose: true });
  t.match(
    verbose,
    '\nd                   Build docs\n                    (from "/project/vagga.yaml":docs)\n',
  );
  t.match(verbose, '_build              Build\n                    (from "<builtins>")\n');
  t.match(zshRows(LISTED, own, options), 'docs:Build docs\nd:Build docs\n');
  t.match(zshRows(LISTED, own, options), '\ntwo:one\n');
  t.equal(containerRows(LISTED, false), 'a\nb\n');
  t.equal(containerRows(LISTED, true).split('\n')[1], '                    (from "/project/vagga.yaml")');
});

t.test('§4.6 symlinks, §1.6 symlink-name: which command a name means', async t => {
  const config = project(`
containers: {c: {}}
commands:
  a: !Command {container: c, run: x, symlink-name: tool}
  b: !Command {container: c, run: x, symlink-name: tool}
  c: !Command {container: c, run: x}
`);
  t.equal(symlinkCommand(config, 'tool'), 'b', 'the last by name');
  t.equal(symlinkCommand(config, 'c'), undefined, 'the name of a command is not enough');
  for (const name of ['vagga', 'vagga.cjs', 'vagga_wrapper']) t.ok(isOwnName(name), name);
  for (const name of ['vagga2', 'tool', 'tool.cjs']) t.notOk(isOwnName(name), name);
});
