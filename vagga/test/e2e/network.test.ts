// The network of tests, for root and for an ordinary user: all of it in namespaces of the command itself.
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { freePort } from '@suite/shared/linux/free-port.ts';
import t from 'tap';
import { Rig, ROOT_AND_USER, until, VAGGA } from './rig.ts';

const config = (port = 1) => `containers:
  c:
    environ: {PATH: "/usr/vagga:/bin"}
    volumes: {/usr/vagga: !VaggaBin}
    setup:
    - !EnsureDir /bin
    - !EnsureDir /usr/vagga
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
    - !Sh /bin/busybox --install -s /bin
commands:
  pair: !Supervise
    children:
      one: &node !Command
        container: c
        environ: {PEER: 172.23.0.2}
        network: {ip: 172.23.0.1}
        run: |
          mkdir /tmp/www; httpd -p 80 -h /tmp/www; echo yes > /tmp/www/alive
          while true; do
            if printf 'GET /alive HTTP/1.0\\r\\n\\r\\n' | timeout 2 nc -w 1 $PEER 80 2>/dev/null | grep -q yes; then now=together; else now=alone; fi
            echo $now > /tmp/www/new; mv /tmp/www/new /tmp/www/state; usleep 50000
          done
      two:
        !Command
        <<: *node
        environ: {PEER: 172.23.0.1}
        network: {ip: 172.23.0.2, hostname: second}
      test: !BridgeCommand
        container: c
        user-id: 7
        run: |
          is() { for ip in 172.23.0.1 172.23.0.2; do
            until printf 'GET /state HTTP/1.0\\r\\n\\r\\n' | timeout 2 nc -w 1 $ip 80 2>/dev/null | grep -qx $1; do usleep 50000; done; done; echo "both are $1"; }
          is together
          vagga _network disjoint one -- two && is alone
          vagga _network fullmesh && is together
          vagga _network isolate second && is alone
          vagga _network isolate second && is alone
          vagga _network split one 172.23.0.2 && is together
          vagga _network split one && is alone
          vagga _network fullmesh && is together
          vagga _network run two ip -o -4 addr show dev twog
          for words in "isolate nobody" "isolate test" "disjoint one" "disjoint one one -- two" "unite"; do
            vagga _network $words; echo "code $?"; done
          exit 5
  names: !Supervise
    mode: wait-all-successful
    children:
      a-child-with-a-very-long-name: !Command
        container: c
        network: {ip: 172.23.0.7}
        run: "hostname; sed 's/nameserver/names by/' /etc/resolv.conf; ip -o -4 addr | grep -o '172[^ ]*'; ip route; ip -o link | grep -c eh"
      plain: !Command {container: c, run: "test $(ip -o link | wc -l) != 0"}
  ports: !Supervise
    children:
      server: !Command
        container: c
        network: {ip: 172.23.0.9, ports: {${port}: 80}}
        run: "mkdir /tmp/www7693; echo served > /tmp/www7693/file; echo listening; exec httpd -f -p 80 -h /tmp/www7693"
  plain: !Command {container: c, run: "echo host of the others"}
  noip: !Supervise {children: {x: !Command {container: c, network: {}, run: "true"}}}
  strange: !Supervise {children: {x: !Command {container: c, network: {ip: 10.0.0.1}, run: "true"}}}
  double: !Supervise
    children:
      x: !Command {container: c, network: {ip: 172.23.0.1}, run: "true"}
      y: !Command {container: c, network: {ip: 172.23.0.1}, run: "true"}
`;

/** Empty or rejected while nobody answers behind the port. */
function request(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = createConnection({ host: '127.0.0.1', port }, () =>
      socket.write('GET /file HTTP/1.0\r\n\r\n'),
    );
    socket.on('data', chunk => {
      text += chunk;
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(text));
  });
}

/** The program has said that it is about to listen. */
async function firstAnswer(port: number): Promise<string> {
  let answer = '';
  await until(() => {
    void request(port).then(
      text => {
        answer ||= text;
      },
      () => undefined,
    );
    return answer !== '';
  }, 'an answer');
  return answer;
}

for (const as of ROOT_AND_USER) {
  t.test(`§5.6 network of tests (${as})`, async t => {
    const port = await freePort();
    const rig = new Rig({ as });
    t.teardown(() => rig.remove());
    rig.write('busybox', '');
    cpSync('/bin/busybox', join(rig.root, 'busybox'));
    rig.write('vagga.yaml', config(port));

    await t.test(
      '§1.6 network, §1.6 !BridgeCommand, §4.4 _network, §5.6 partitions: a pair is parted and joined',
      async t => {
        const { code, stdout, stderr } = rig.run('pair');
        t.equal(code, 5, stderr + stdout);
        const lines = stdout
          .split('\n')
          .filter(line => line.startsWith('test | '))
          .map(line => line.slice('test | '.length));
        const states = ['together', 'alone', 'together', 'alone', 'alone', 'together', 'alone', 'together'];
        t.same(
          lines.slice(0, states.length),
          states.map(state => `both are ${state}`),
        );
        t.match(lines[states.length], /172\.23\.0\.2\/24/, 'run: a program with the network of a node');
        t.same(lines.slice(states.length + 1), Array(5).fill('code 1'));
        for (const text of [
          'Node nobody does not exists\n',
          'Node test does not exists or has no IP\n',
          'Node two is missing.',
          "Duplicate node one (or it's IP)\n",
          'Unknown command unite\n',
        ])
          t.match(stderr, `test | ${text}`);
      },
    );

    await t.test(
      '§5.6 run: own name, bridge, routes; who asks for none has the network of the host',
      async t => {
        const { code, stdout, stderr } = rig.run('names');
        t.equal(code, 0, stderr);
        const lines = [
          'a-child-with-a-very-long-name',
          '172.23.0.7/24',
          'default via 172.23.0.254 dev eh[0-9a-f]{12}g',
        ];
        for (const line of lines) t.match(stdout, new RegExp(`a-child-with-a-very-long-name \\| ${line}`));
      },
    );

    await t.test('§5.6 ports: of the host, passed on to a child', async t => {
      const running = rig.start(['ports']);
      await running.shows('listening');
      t.match(await firstAnswer(port), /200 OK[\s\S]*served\n$/);
      t.match((await Promise.all(Array.from({ length: 20 }, () => request(port)))).join(''), /served/);
      running.child.kill('SIGTERM');
      t.equal((await running.ended).code, 143);
      await t.rejects(request(port), /ECONNREFUSED/, 'and nobody listens afterwards');
    });

    t.match(rig.run('noip'), { code: 121, stderr: /vagga\.yaml:\d+:\d+: the network of x needs an ip\n/ });
    t.match(rig.run('strange'), { code: 121, stderr: /has the ip 10\.0\.0\.1, but only 172\.23\.0\.1 to/ });
    t.match(rig.run('double'), { code: 121, stderr: 'two children have 172.23.0.1 of the network\n' });
    t.match(rig.run('_network', 'fullmesh'), {
      code: 1,
      stderr: 'This command is supposed to be run inside container started by vagga !Supervise command\n',
    });
    for (const [words, message] of [
      [[], /vagga _network: Argument KIND is required\n$/],
      [['--bad'], /vagga _network: Unknown option --bad\n$/],
      [['fullmesh', 'x'], /vagga_network fullmesh: Unexpected argument x\n$/],
      [['isolate', '--bad'], /vagga_network isolate: Unknown option --bad\n$/],
      [['run', 'x'], /vagga_network run: Argument CMD is required\n$/],
    ] as const)
      t.match(rig.run('_network', ...words), { code: 2, stderr: message }, '§4.1 messages');
    t.match(rig.run('_network', 'split', '--help'), { code: 0, stdout: /vagga_network split/ });
    t.same(rig.mounts(), []);
    t.same(rig.list('.vagga/.run'), []);
    t.same(rig.processes('__relay__'), []);
  });
}

/** All in one shell: the gateway is there for the next command only in the same namespaces. `$@` is vagga. */
const GATEWAY_SCRIPT = `
"$@" _run_in_netns c true; echo "without: $?"
"$@" _create_netns --dry-run; echo "dry run: $?"
"$@" _create_netns >/dev/null; echo "created: $?"
"$@" _create_netns; echo "again: $?"
"$@" _run_in_netns c ip -o -4 addr show dev vagga_guest
"$@" _run_in_netns c cat /etc/resolv.conf
"$@" names; "$@" ports & port=$!
until printf 'GET /file HTTP/1.0\\r\\n\\r\\n' | timeout 2 busybox nc -w 1 172.23.255.2 18080 2>/dev/null | grep served; do sleep 0.1; done
child=$(grep -ls 'www769[3]' /proc/[0-9]*/cmdline | head -1); child=\${child#/proc/}
"$@" _run_in_netns --pid \${child%/cmdline} c ip -o -4 addr show dev serverg
kill $port; wait $port; echo "ended: $?"
"$@" plain
"$@" _destroy_netns >/dev/null; echo "destroyed: $?"
ip -o link show dev vagga; echo "left: $?"
`;

/** What sudo does, in a mount namespace where nobody else can find it. */
const SUDO = `mount -t tmpfs none /mnt && cp "$(command -v setpriv)" /mnt/root && chmod 4755 /mnt/root &&
printf '#!/bin/sh\\nexec /mnt/root --reuid 0 --regid 0 --clear-groups "$@"\\n' >/mnt/sudo && chmod 755 /mnt/sudo && ip link set lo up && echo nameserver 127.0.0.53 >/mnt/resolv &&
mount --bind /mnt/resolv /etc/resolv.conf`;

for (const as of ROOT_AND_USER) {
  t.test(
    `§5.6 create, §4.4 _create_netns, §4.4 _destroy_netns, §4.4 _run_in_netns: a way to the host (${as})`,
    async t => {
      const rig = new Rig({ as, user: { prepare: SUDO } });
      t.teardown(() => rig.remove());
      rig.write('busybox', '');
      cpSync('/bin/busybox', join(rig.root, 'busybox'));
      rig.write('vagga.yaml', config(18_080));
      t.equal(rig.run('_build', 'c').code, 0);
      const vagga = rig.user?.vaggaWords([]).slice(-2) ?? [process.execPath, VAGGA];
      const own = [
        'unshare',
        '--mount',
        'sh',
        '-c',
        'mount -t tmpfs none /run && ip link set lo up && echo nameserver 127.0.0.53 >/run/resolv && mount --bind /run/resolv /etc/resolv.conf && exec "$@"',
        'sh',
      ];
      const shell = ['sh', '-c', GATEWAY_SCRIPT, 'sh', ...vagga];
      const words = rig.user?.words(shell) ?? [...own, ...shell];
      const { NODE_EXTRA_CA_CERTS: _, ...rest } = process.env;
      const env = {
        ...rest,
        ...rig.user?.environment(),
        PATH: `/mnt:${process.env.PATH}`,
      };
      const { stdout, stderr } = spawnSync('unshare', ['--net', ...words], {
        cwd: rig.root,
        env,
        encoding: 'utf8',
        timeout: 240_000,
      });
      const sudo = as === 'user' ? 'sudo ' : '';
      for (const line of [
        'without: 121',
        `${sudo}ip link add vagga type veth peer name vagga_guest netns PID`,
        'dry run: 0',
        'created: 0',
        'again: 121',
        'vagga_guest    inet 172.23.255.2/30',
        'nameserver 172.23.255.1',
        'long-name | names by 172.23.255.1',
        /iptables -t nat -A PREROUTING -i vagga -d 172\.23\.255\.1 -p udp --dport 53 -j DNAT --to-destination 127\.0\.0\.53:53/,
        'served',
        'ended: 143',
        'host of the others',
        /serverg +inet 172\.23\.0\.9\/24/,
        'destroyed: 0',
        'left: 1',
      ])
        t.match(stdout, line, stderr);
      t.match(stderr, 'There is no network namespace: vagga _create_netns makes one\n');
      t.match(stderr, 'Namespaces already created\n');
      t.same(rig.mounts(), []);
    },
  );
}
