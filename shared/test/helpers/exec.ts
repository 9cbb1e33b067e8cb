// Replaces itself by a second run of itself: `first` listens, `second` must have the same pid and the open socket.
import { createServer } from 'node:net';
import { execInPlace } from '../../src/linux/exec.ts';
import { listenSocket } from '../../src/linux/sockets.ts';

const [, self = '', stage, ...rest] = process.argv;

if (stage === 'first') {
  const options = {
    host: '127.0.0.1',
    port: Number(rest[0]),
    backlog: 5,
    reuseAddress: true,
    reusePort: false,
  };
  const fd = listenSocket(options);
  const env = { FROM: String(process.pid), PATH: process.env.PATH ?? '' };
  execInPlace(process.execPath, [process.execPath, self, 'second', String(fd)], env, [fd]);
}
if (stage === 'missing') {
  try {
    execInPlace('/does/not/exist', ['x'], {});
  } catch (error) {
    process.stdout.write(`${(error as NodeJS.ErrnoException).code}\n`);
  }
}
if (stage === 'second') {
  const server = createServer(socket => {
    socket.end(
      JSON.stringify({
        pid: process.pid,
        from: Number(process.env.FROM),
        keys: Object.keys(process.env).length,
      }),
    );
    server.close();
  });
  server.listen({ fd: Number(rest[0]) });
  process.stdout.write('listening\n');
}
