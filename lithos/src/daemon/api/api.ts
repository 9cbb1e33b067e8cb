// The two sockets of a tree: one for everybody, to read; one for root, with the verbs. Without them the tree does its
// work all the same.
import type { Logger } from '@suite/shared/cli/log.ts';
import type { HostPaths } from '../../adapters/paths.ts';
import { UnixDoor } from './listen.ts';
import { route } from './routes.ts';
import { HttpServer } from './server.ts';
import { EventStream } from './stream.ts';
import { Told, type ToldOptions } from './told.ts';

export interface ApiOptions extends ToldOptions {
  readonly paths: HostPaths;
  readonly log: Logger;
  readonly version: string;
}

const PUBLIC_MODE = 0o666;
const ROOT_MODE = 0o600;

export class Api {
  private readonly log: Logger;
  private readonly stream: EventStream;
  private readonly servers: readonly HttpServer[];
  private readonly doors: readonly UnixDoor[];
  private complaints = new Set<string>();

  constructor(options: ApiOptions) {
    const { paths, log, version, witness } = options;
    const told = new Told(options);
    const stream = new EventStream({ version, ring: witness.ring });
    const server = (isRoot: boolean) =>
      new HttpServer({
        log,
        upgrade: (...asked) => stream.upgrade(isRoot ? 'root' : 'everybody', ...asked),
        answer: (method, url) => route(told, isRoot, method, url),
      });
    const [everybody, root] = [server(false), server(true)];
    this.log = log;
    this.stream = stream;
    this.servers = [everybody, root];
    this.doors = [
      new UnixDoor(paths.socketFile, PUBLIC_MODE, everybody.connection),
      new UnixDoor(paths.controlSocketFile, ROOT_MODE, root.connection),
    ];
    witness.listen(event => stream.send(event));
  }

  /** Opens what is not open: at the start, and again at each reading of the configuration. */
  async open(): Promise<void> {
    const complaints = new Set<string>();
    for (const door of this.doors) await door.open().catch((error: Error) => complaints.add(error.message));
    for (const message of complaints) {
      if (!this.complaints.has(message)) this.log.error(`nobody can ask: ${message}`);
    }
    this.complaints = complaints;
  }

  close(): void {
    this.stream.close();
    for (const door of this.doors) door.close();
    for (const server of this.servers) server.closeAll();
  }
}
