import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { DatagramReceiver } from '../../src/linux/datagram-receiver.ts';
import { bindDatagram, openDatagram, receiveDatagram, sendDatagram } from '../../src/linux/unix-datagram.ts';

const MAX_BYTES = 1024;

async function python(script: string, ...args: string[]): Promise<string> {
  const child = spawn('python3', ['-c', `import socket,sys\n${script}`, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', chunk => {
    said += chunk;
  });
  await once(child, 'close');
  return said.trim();
}

const SENDER = `
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for i in range(int(sys.argv[2])): s.sendto(b"%d" % i + b"x" * int(sys.argv[3]), sys.argv[1])
`;

/** The kernel takes socket paths of 107 bytes only, from the senders at least. */
function shortDirectory(test: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'dgram-'));
  test.teardown(() => rmSync(directory, { recursive: true }));
  return directory;
}

function receiver(test: Test): DatagramReceiver {
  const made = new DatagramReceiver(MAX_BYTES);
  test.teardown(() => made.close());
  return made;
}

/** Resolves when `count` messages have come; rejects never (tap's own limit ends a test that hangs). */
function collect(from: DatagramReceiver, fd: number, count: number): Promise<string[]> {
  return new Promise(resolve => {
    const got: string[] = [];
    // Waiting for a signal alone does not keep Node running.
    const alive = setInterval(() => undefined, 60_000);
    from.add(fd, message => {
      got.push(message.toString());
      if (got.length < count) return;
      clearInterval(alive);
      resolve(got);
    });
  });
}

t.test(
  'messages of a foreign program arrive whole and in order, without our looking for them',
  async test => {
    const path = join(shortDirectory(test), 'a.sock');
    const from = receiver(test);
    const all = collect(from, bindDatagram(path), 500);
    // More than one burst: the sender is made to wait, and nothing is lost.
    await python(SENDER, path, '500', '0');
    test.strictSame(
      await all,
      Array.from({ length: 500 }, (_, index) => String(index)),
    );
  },
);

t.test('what waited in the queue before we looked is read too', async test => {
  const path = join(shortDirectory(test), 'a.sock');
  const fd = bindDatagram(path);
  await python(SENDER, path, '3', '0');
  test.strictSame(await collect(receiver(test), fd, 3), ['0', '1', '2']);
});

t.test('a message that is too long is dropped, an empty one is a message', async test => {
  const path = join(shortDirectory(test), 'a.sock');
  const all = collect(receiver(test), bindDatagram(path), 2);
  await python(
    `
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for size in (${MAX_BYTES + 1}, 0, 60000, ${MAX_BYTES}): s.sendto(b"x" * size, sys.argv[1])
`,
    path,
  );
  test.strictSame(
    (await all).map(text => text.length),
    [0, MAX_BYTES],
  );
});

t.test('many sockets: each message goes to its own listener; removed ones are silent', async test => {
  const directory = shortDirectory(test);
  const from = receiver(test);
  const fds = Array.from({ length: 100 }, (_, index) => bindDatagram(join(directory, `${index}.sock`)));
  const all = fds.map(fd => collect(from, fd, 1));
  await python(
    `
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for i in range(100): s.sendto(b"%d" % i, sys.argv[1] + "/%d.sock" % i)
`,
    directory,
  );
  test.strictSame((await Promise.all(all)).flat(), Object.keys(fds));
  from.remove(fds[0] as number);
  const refused = await python(
    `
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
try: s.sendto(b"x", sys.argv[1])
except OSError as error: print(type(error).__name__)
`,
    join(directory, '0.sock'),
  );
  test.equal(refused, 'ConnectionRefusedError');
});

t.test('a path deeper than the kernel takes is bound, and one that exists is taken over', async test => {
  const deep = join(shortDirectory(test), 'd'.repeat(100), 'e'.repeat(100));
  mkdirSync(deep, { recursive: true });
  const path = join(deep, 'a.sock');
  writeFileSync(path, 'in the way');
  const all = collect(receiver(test), bindDatagram(path), 1);
  await python(
    'import os\nos.chdir(sys.argv[1])\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\ns.sendto(b"here", "a.sock")',
    deep,
  );
  test.strictSame(await all, ['here']);
});

t.test('sending: arrives, and says by its code why it cannot', async test => {
  const directory = shortDirectory(test);
  const path = join(directory, 'a.sock');
  const [fd, own] = [bindDatagram(path), openDatagram()];
  const into = Buffer.alloc(8);
  const codeOf = (to: string, data = Buffer.from('x')) => {
    try {
      sendDatagram(own, to, data);
      return 'sent';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code;
    }
  };
  test.equal(receiveDatagram(fd, into), undefined, 'nothing there yet');
  test.equal(codeOf(path, Buffer.from('hello, you')), 'sent');
  test.equal(receiveDatagram(fd, into), 10, 'the whole length of a message that was cut');
  test.equal(into.toString(), 'hello, y');
  while (codeOf(path) === 'sent');
  test.equal(codeOf(path), 'EAGAIN', 'a full queue does not block us');
  test.equal(codeOf(join(directory, 'nobody')), 'ENOENT');
  test.equal(codeOf(`/${'x'.repeat(120)}`), 'ENAMETOOLONG');
  closeSync(fd);
  test.equal(codeOf(path), 'ECONNREFUSED');
  closeSync(own);
});
