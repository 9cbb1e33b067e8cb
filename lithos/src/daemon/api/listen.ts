// A unix socket at a path of ours: who may connect is the file's permissions, set before anybody can find it.
import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';

/** sockaddr_un.sun_path has 108 bytes with the final NUL (unix(7)). */
const PATH_BYTES_MAX = 107;
/** Nobody but us, until it is at its place. */
const PRIVATE_UMASK = 0o177;

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // Node binds before `listen` returns, so that the umask holds for this call only.
    const before = process.umask(PRIVATE_UMASK);
    try {
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

export class UnixDoor {
  private readonly path: string;
  private readonly mode: number;
  private readonly onSocket: (socket: Socket) => void;
  private server: Server | undefined;

  constructor(path: string, mode: number, onSocket: (socket: Socket) => void) {
    this.path = path;
    this.mode = mode;
    this.onSocket = onSocket;
  }

  /**
   * Takes the place of whatever is there (only one supervisor uses a runtime directory), and does nothing while it is
   * ours. Rejects with a sentence.
   */
  async open(): Promise<void> {
    if (this.server !== undefined && existsSync(this.path)) return;
    this.server?.close();
    if (Buffer.byteLength(this.path) > PATH_BYTES_MAX)
      throw new Error(`${this.path}: a socket's path has at most ${PATH_BYTES_MAX} bytes`);
    // As long as the name itself, so that it fits where that fits.
    const temporary = join(dirname(this.path), `.${basename(this.path).slice(1)}`);
    rmSync(temporary, { force: true });
    const server = createServer(this.onSocket);
    try {
      await bind(server, temporary);
      // A broken connection is that client's affair.
      server.on('error', () => undefined);
      chmodSync(temporary, this.mode);
      renameSync(temporary, this.path);
      this.server = server;
    } catch (error) {
      server.close();
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** Nobody new; who is connected is the caller's affair. */
  close(): void {
    this.server?.close();
    if (this.server !== undefined) rmSync(this.path, { force: true });
    this.server = undefined;
  }
}
