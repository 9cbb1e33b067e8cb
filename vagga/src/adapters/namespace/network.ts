// A network with nothing but loopback, for several containers. Who is root of a user namespace only cannot come back from a
// network to the host's, so another process goes there.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { loopbackUp } from '@suite/shared/linux/netns.ts';

/** First word of our own command line for that process. */
export const SETUP_NETWORK = '__setup_netns__';

/** Lives as long as it is open or a process is in it. */
export class IsolatedNetwork {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  static create(): Promise<IsolatedNetwork> {
    const script = process.argv[1] ?? '';
    return new Promise((resolve, reject) => {
      const words = ['--net', process.execPath, script, SETUP_NETWORK];
      const helper = spawn('unshare', words, { stdio: ['pipe', 'pipe', 'inherit'] });
      helper.once('error', reject);
      helper.once('exit', code => reject(new Error(`no isolated network: unshare ended with ${code}`)));
      helper.stdout.once('data', () => {
        resolve(new IsolatedNetwork(openSync(`/proc/${helper.pid}/ns/net`, 'r')));
        helper.stdin.end();
      });
    });
  }

  /** For programs that we start. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.#fd}`;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** What that process does: it lives until its network has been opened by the one that started it. */
export function setUpNetwork(): void {
  loopbackUp();
  process.stdout.write('ready\n');
  process.stdin.resume();
  process.stdin.once('end', () => process.exit(0));
}
