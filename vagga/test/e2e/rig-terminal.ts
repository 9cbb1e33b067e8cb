// A terminal with a shell that has job control, as a user sits at. Python makes the terminal: Node cannot.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from './rig.ts';

/** Runs its arguments in a new terminal; lines of JSON on stdin are typed or change the size, its output is the screen's. */
const BRIDGE = `
import fcntl, json, os, pty, select, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
def size(rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
size(24, 80)
rest = b''
while True:
    ready, _, _ = select.select([fd, 0], [], [])
    if fd in ready:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        os.write(1, data)
    if 0 in ready:
        data = os.read(0, 65536)
        if not data:
            break
        rest += data
        while b'\\n' in rest:
            line, rest = rest.split(b'\\n', 1)
            order = json.loads(line)
            if 'type' in order:
                os.write(fd, order['type'].encode())
            else:
                size(*order['size'])
os.close(fd)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 255)
`;

export class Terminal {
  readonly #child: ChildProcess;
  /** Everything that was shown. */
  screen = '';
  #seen = 0;

  constructor(argv: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }) {
    const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit'];
    this.#child = spawn('python3', ['-c', BRIDGE, ...argv], { ...options, stdio });
    this.#child.stdin?.on('error', () => {});
    this.#child.stdout?.on('data', chunk => {
      this.screen += chunk;
    });
  }

  #order(order: object): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  type(text: string): void {
    this.#order({ type: text });
  }

  resize(rows: number, columns: number): void {
    this.#order({ size: [rows, columns] });
  }

  /** Waits for it behind what was waited for before. */
  async shows(text: string | RegExp): Promise<string> {
    let found: RegExpExecArray | null = null;
    const pattern = typeof text === 'string' ? new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : text;
    try {
      await until(() => {
        found = pattern.exec(this.screen.slice(this.#seen));
        return found !== null;
      }, `screen ${text}`);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${JSON.stringify(this.screen.slice(this.#seen - 200))}`);
    }
    const { index, 0: match } = found as unknown as RegExpExecArray;
    this.#seen += index + match.length;
    return match;
  }

  /** The exit code of the program, when all that it has shown is here. */
  async ended(): Promise<number | null> {
    const [code] = await once(this.#child, 'close');
    return code;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.stdin?.end();
    await once(this.#child, 'exit');
  }
}
