// What a supervise command starts, with which variables and containers (spec §1.10).
import t from 'tap';
import type { Rig } from './rig.ts';
import { serviceRig } from './rig-services.ts';

const COMMANDS = `
  some: !Supervise
    mode: wait-all-successful
    children:
      web: !Command {container: tiny, tags: [front], run: "echo here"}
      assets: !Command {container: tiny, tags: [front, slow], run: "echo here"}
      db: !Command {container: tiny, run: "echo here"}
  variables: !Supervise
    mode: wait-all-successful
    options: |
      Usage: vagga variables [options]

      Options:
        --level N  How much
    children:
      one: !Command {container: tiny, run: "echo $VAGGA_COMMAND $VAGGA_SUBCOMMAND $VAGGAOPT_LEVEL"}
      two: !Command {container: tiny, run: "echo $VAGGA_COMMAND $VAGGA_SUBCOMMAND $VAGGAOPT_LEVEL"}
  alone: !Supervise
    isolate-network: true
    children:
      one: !Command {container: tiny, network: {ip: 172.23.0.2}, run: "true"}
  joined: !Supervise
    children:
      one: !Command {container: tiny, network: {ip: 172.23.0.2}, run: "true"}
  shown: !Supervise
    mode: wait-all-successful
    children:
      one: !Command {container: tiny, volumes: {/tmp: !Container first}, run: "cat /tmp/word"}
      two: !Command {container: tiny, volumes: {/tmp: !Container second}, run: "cat /tmp/word"}
`;

const CONTAINERS = `containers:
  first: {setup: [!Text {/word: "from the first\\n"}]}
  second: {setup: [!Text {/word: "from the second\\n"}]}
`;

let rig: Rig;
t.before(() => {
  rig = serviceRig(COMMANDS);
  rig.write('vagga.yaml', rig.read('vagga.yaml').replace('containers:\n', CONTAINERS));
});
t.teardown(() => rig.remove());

const heard = (...words: string[]) => {
  const { stdout } = rig.run('some', ...words);
  return [...stdout.matchAll(/^(\S+) +\| here$/gm)].map(([, name]) => name).sort();
};

t.test('§1.10 selection: by names and tags; nothing left is 127', async t => {
  t.same(heard(), ['assets', 'db', 'web']);
  t.same(heard('--only', 'db', 'slow'), ['assets', 'db'], 'a list option takes the words behind it');
  t.same(heard('--exclude', 'front'), ['db']);
  t.match(rig.run('some', '--only', 'nobody'), { code: 127, stdout: '', stderr: 'Nothing to supervise' });
  t.match(rig.run('some', 'db'), { code: 122 }, 'a word that belongs to no option');
});

t.test('§1.10 variables: who is started by whom, and the options for all', async t => {
  const { code, stdout } = rig.run('variables', '--level', '7');
  t.equal(code, 0);
  t.same(stdout.split('\n').sort(), ['', 'one | variables one 7', 'two | variables two 7']);
});

t.test('§1.10 isolate-conflict: a network of tests and none at all', async t => {
  const expected = {
    code: 121,
    stdout: '',
    stderr: /vagga\.yaml:\d+:\d+: one has a network, .*isolate-network/,
  };
  t.match(rig.run('alone'), expected);
  t.match(rig.run('--isolate-network', 'joined'), expected, 'by the option as well');
});

t.test('§1.10 volume-containers, §9 volume-containers: those of every child are built', async t => {
  const { code, stdout, stderr } = rig.run('shown');
  t.equal(code, 0, stderr);
  t.match(stdout, /^one \| from the first$/m);
  t.match(stdout, /^two \| from the second$/m);
});
