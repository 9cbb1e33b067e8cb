// The printed scripts in the shells they are for: what a person sees after pressing Tab.
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Rig, VAGGA } from './rig.ts';

const rig = new Rig();
t.teardown(() => rig.remove());

const CONFIG = `containers: {web: {}, data: {data-dirs: [/x]}}
commands:
  serve: !Command {container: web, run: x, description: It's a server}
  db:up: !Command {container: web, run: x}
  db:down: !Command {container: web, run: x}
  opts: !Command {container: web, run: x, options: "Usage: vagga opts [options]\\n\\n  --level N   Level\\n"}
  all: !Supervise
    children:
      one: !Command {container: web, run: x}
      two: !Command {container: web, run: x}
`;

t.before(() => {
  rig.write('vagga.yaml', CONFIG);
  rig.write('bin/vagga', `#!/bin/sh\nexec ${process.execPath} ${VAGGA} "$@"\n`);
  chmodSync(join(rig.root, 'bin/vagga'), 0o755);
  for (const shell of ['bash', 'zsh', 'fish'])
    rig.write(`script.${shell}`, rig.run('_completion', shell).stdout);
});

function shell(program: string, ...words: string[]): string {
  const { NODE_EXTRA_CA_CERTS: _, ...caller } = process.env;
  const env = { ...caller, PATH: `${rig.root}/bin:${process.env.PATH}`, HOME: rig.root, TERM: 'dumb' };
  const { stdout, stderr, status } = spawnSync(program, words, {
    cwd: rig.root,
    env,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
  return stdout;
}

/** What bash would offer for the line with the cursor at its end. */
function inBash(line: string): string[] {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
  const ask = 'source script.bash; COMP_LINE=$1; COMP_POINT=${#1}; _vagga; printf "%s\\n" "${COMPREPLY[@]}"';
  return shell('bash', '-c', ask, 'bash', line).trimEnd().split('\n');
}

function inFish(line: string): string[] {
  const found = shell('fish', '-c', 'source script.fish; complete -C $argv[1]', line).trimEnd().split('\n');
  return found.map(item => item.split('\t', 1)[0] as string);
}

/** A real interactive zsh on a terminal of its own; its line after Tab is read back by a key of ours. */
function inZsh(line: string): string {
  const script = `zmodload zsh/zpty
zpty z "TERM=dumb PS1=% zsh -f -i"
zpty -w z 'autoload -U compinit; compinit -u -D; source script.zsh; setopt no_list_beep'
zpty -w z 'show() { print -r -- "<\${BUFFER}>"; BUFFER=; zle .accept-line }; zle -N show; bindkey "^X" show; bindkey "^I" complete-word'
zpty -w z 'print -r -- re''ady'
zpty -r -m z out '*ready*'
zpty -w -n z ${JSON.stringify(line)}$'\\t\\x18'
zpty -r -m z out '*<vagga*>*' || exit 3
print -r -- "$out"
zpty -d z`;
  rig.write('drive.zsh', script);
  const found = /<(vagga[^>]*)>/.exec(shell('zsh', '-f', 'drive.zsh'));
  return found?.[1] ?? '';
}

t.test('§4.5 completion: bash', async t => {
  t.same(inBash('vagga s'), ['serve']);
  t.same(inBash('vagga '), ['all', 'db:down', 'db:up', 'opts', 'serve']);
  t.same(inBash('vagga db:'), ['down', 'up'], 'readline keeps what stands before the colon');
  t.same(inBash('vagga db:u'), ['up']);
  t.same(inBash('vagga all --only o'), ['one']);
  t.same(inBash('vagga _run '), ['web']);
  t.same(inBash('vagga opts --l'), ['--level']);
  t.same(inBash('vagga --run'), ['--run-multi'], 'our own options too');
  t.ok(inBash('vagga _').includes('_completion'));
  t.same(inBash('vagga serve '), [''], 'then file names');
  t.match(shell('bash', '-c', 'source script.bash; complete -p vagga'), '-F _vagga vagga');
});

t.test('§4.5 completion: fish', async t => {
  t.same(inFish('vagga ser'), ['serve']);
  for (const word of ['db:down', 'db:up']) t.ok(inFish('vagga db:').includes(word), word);
  t.ok(inFish('vagga all --only o').includes('one'));
  t.ok(inFish('vagga --run').includes('--run-multi'));
});

t.test('§4.5 completion: zsh', async t => {
  t.match(inZsh('vagga ser'), /^vagga serve ?$/);
  t.match(inZsh('vagga all --only o'), /^vagga all --only one ?$/);
  t.match(inZsh('vagga db:u'), /^vagga db:up ?$/);
});
