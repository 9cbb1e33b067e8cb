// Networks of bridged containers: a namespace per run, made before the container and let go when its first process holds it.
//
// The namespace has no mount: until the container is created it lives by a descriptor of ours, to which a link in
// `networks-dir` leads; afterwards by the container's processes. So whatever dies, the kernel takes it away.
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@suite/shared/cli/log.ts';
import { inNetwork, loopbackUp, newNetwork } from '@suite/shared/linux/netns.ts';
import { findProgram } from '@suite/shared/linux/programs.ts';
import type { Proc, RunResult } from '@suite/shared/ports/proc.ts';
import { LIMITS, TIMES } from '../config/defaults.ts';
import type { DesiredInstance, NetworkSpec } from '../core/desired/types.ts';
import {
  type BridgeAddress,
  innerCommands,
  outerCommands,
  removeCommands,
  type Veth,
  vethOf,
} from '../core/network/veth.ts';
import { containerId } from './paths.ts';

type Bridged = Extract<NetworkSpec, { kind: 'bridged' }>;

export interface NetworksOptions {
  readonly directory: string;
  readonly proc: Proc;
  readonly log: Logger;
}

function blake2b(text: string): string {
  return createHash('blake2b512').update(text).digest('hex');
}

/** Interfaces of our network. Not from /sys, which shows that of whoever mounted it. */
function interfaces(): Set<string> {
  const lines = readFileSync('/proc/thread-self/net/dev', 'latin1').split('\n');
  return new Set(lines.flatMap(line => /^\s*([^\s:]+):/.exec(line)?.[1] ?? []));
}

function whyFailed(result: RunResult, limitMs: number): string | undefined {
  if (result.code === 0) return undefined;
  if (result.timedOut) return `no end within ${limitMs / 1000} s`;
  const said = (result.stderr.trim() || result.stdout.trim()).split('\n').at(-1);
  return said || `exit code ${result.code ?? result.signal}`;
}

export class Networks {
  private readonly options: NetworksOptions;
  private readonly open = new Map<string, number>();

  constructor(options: NetworksOptions) {
    this.options = options;
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    // Links of a tree that is gone lead nowhere.
    for (const name of readdirSync(options.directory)) rmSync(join(options.directory, name), { force: true });
  }

  /** Where the namespace of that run will be found; undefined with the host's network. */
  pathOf({ name, network }: DesiredInstance, run: number): string | undefined {
    return network.kind === 'host' ? undefined : this.link(name, run);
  }

  /** Makes and sets up the namespace of a run, and answers our descriptor of it. Throws with a sentence. */
  async make({ name, network }: DesiredInstance, run: number): Promise<number | undefined> {
    if (network.kind === 'host') return undefined;
    const link = this.link(name, run);
    this.close(name, run);
    const fd = newNetwork();
    this.open.set(link, fd);
    symlinkSync(`/proc/${process.pid}/fd/${fd}`, link);
    inNetwork(fd, loopbackUp);
    const { address } = network;
    if (address !== null) await this.join(name, fd, { ...network, address });
    return fd;
  }

  /** The container holds the namespace by now, or is not to be. */
  close(name: string, run: number): void {
    const link = this.link(name, run);
    const fd = this.open.get(link);
    if (fd === undefined) return;
    this.open.delete(link);
    closeSync(fd);
    rmSync(link, { force: true });
  }

  private link(name: string, run: number): string {
    return join(this.options.directory, containerId(name, run));
  }

  private async join(name: string, fd: number, where: Bridged & BridgeAddress): Promise<void> {
    const veth = vethOf(where, blake2b);
    const present = interfaces();
    if (!present.has(where.bridge)) throw new Error(`bridge ${where.bridge} does not exist on the host`);
    if (present.has(veth.outer)) await this.removeStale(veth);
    await this.ip(innerCommands(veth, where, process.pid), fd);
    await this.ip(outerCommands(veth, where.bridge));
    if (where.afterSetup.length > 0) await this.afterSetup(name, fd, where.afterSetup);
  }

  /** That of the last run: the kernel takes its time to remove a network. It may be gone before we are there. */
  private async removeStale(veth: Veth): Promise<void> {
    await this.ip(removeCommands(veth)).catch(error => {
      if (interfaces().has(veth.outer)) throw error;
    });
  }

  private async ip(commands: readonly string[], network?: number): Promise<void> {
    const program = findProgram('ip');
    if (program === undefined) throw new Error('ip is not installed: apt-get install -y iproute2');
    const run = () =>
      this.options.proc.run([program, '-batch', '-'], {
        input: `${commands.join('\n')}\n`,
        timeoutMs: TIMES.ipCommandMs,
      });
    const result = await (network === undefined ? run() : inNetwork(network, run));
    const failure = whyFailed(result, TIMES.ipCommandMs);
    if (failure === undefined) return;
    const line = /Command failed -:(\d+)/.exec(result.stderr)?.[1];
    const command = line === undefined ? undefined : commands[Number(line) - 1];
    const reason = result.stderr.split('\n').find(text => text !== '') ?? failure;
    throw new Error(`network: ip ${command ?? '-batch'}: ${reason}`);
  }

  /** In the container's network, with the host's files, as we are. */
  private async afterSetup(name: string, network: number, command: readonly string[]): Promise<void> {
    const result = await inNetwork(network, () =>
      this.options.proc.run(command, {
        env: { TERM: process.env.TERM ?? 'dumb' },
        timeoutMs: TIMES.afterSetupMs,
        maxOutputBytes: LIMITS.commandOutputBytes,
        ownGroup: true,
      }),
    );
    const said = `${result.stdout}${result.stderr}`.trim();
    if (said !== '') this.options.log.info(`${name}: after-setup-command: ${said}`);
    const failure = whyFailed(result, TIMES.afterSetupMs);
    if (failure !== undefined) throw new Error(`after-setup-command ${command[0]}: ${failure}`);
  }
}
