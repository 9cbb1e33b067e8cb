// The demo as a person runs it: addresses, the live table, and one key per thing to break.

import { Load } from '../cluster/load.ts';
import { type ClusterView, leadersOf, placeOf } from '../cluster/view.ts';
import { LOAD, PORTS } from '../defaults.ts';
import type { Demo } from '../demo.ts';
import { cut, heal } from '../host/network.ts';
import { Interrupted } from '../run.ts';
import { hostWithWorkers, replaceWorker } from '../scenes/worker.ts';
import { pause } from '../wait.ts';
import type { Screen } from './screen.ts';
import { table } from './table.ts';

const REFRESH_MS = 1_000;

/** Traffic is counted over this many refreshes. */
const TRAFFIC_REFRESHES = 5;

export async function runInteractive(demo: Demo, screen: Screen, stop: () => void): Promise<void> {
  const player = new Player(demo, screen);
  const release = readKeys(key => player.press(key), stop);
  introduce(demo, screen);
  try {
    for (;;) {
      await player.refresh();
      await pause(REFRESH_MS, demo.signal);
    }
  } finally {
    release();
    player.close();
  }
}

function introduce(demo: Demo, screen: Screen): void {
  screen.say('');
  screen.say('The cluster is up. Open in a browser on this machine (from elsewhere: ssh -D or -L):');
  for (const host of demo.plan.hosts) {
    const cantal = `cantal http://${host.address}:${PORTS.cantal}/`;
    screen.say(`  ${host.name.padEnd(8)} ${cantal}   verwalter http://${host.address}:${PORTS.verwalter}/`);
  }
  const mars = demo.addressOf('mars');
  screen.say(
    `  page     http://${mars}:${PORTS.nginx}/   (nginx; the table says where it is when mars is lost)`,
  );
  screen.say(
    'Press: w kill a worker · h kill the leader host · b bring hosts back · c cut or heal the network',
  );
  screen.say(
    '       l load on or off · q or Ctrl-C the end. Buttons of the scheduler are on the verwalter pages.',
  );
  screen.say('');
}

class Player {
  private readonly demo: Demo;
  private readonly screen: Screen;
  private readonly load: Load;
  private view: ClusterView | undefined;
  private answered: number[] = [];
  private failed = 0;
  private isCut = false;
  private printed = '';
  private busy = false;

  constructor(demo: Demo, screen: Screen) {
    this.demo = demo;
    this.screen = screen;
    this.load = new Load(() => {
      const nginx = placeOf(this.view?.schedule, 'nginx');
      return nginx === undefined ? undefined : demo.addressOf(nginx);
    });
  }

  close(): void {
    this.load.close();
  }

  async refresh(): Promise<void> {
    const view = await this.demo.look();
    // While nobody or two lead, nginx is where it was last known to be.
    this.view =
      view.schedule === undefined && this.view?.schedule !== undefined
        ? { ...view, schedule: this.view.schedule }
        : view;
    const counts = this.load.take();
    this.answered = [...this.answered, counts.answered].slice(-TRAFFIC_REFRESHES);
    this.failed += counts.failed;
    const perSecond =
      this.answered.reduce((sum, count) => sum + count, 0) / this.answered.length / (REFRESH_MS / 1000);
    this.show(table(this.view, { perMinute: Math.round(perSecond * 60), failed: this.failed }));
  }

  /** Without a terminal the table is printed when it changes. */
  private show(lines: string[]): void {
    if (this.screen.redraws) {
      this.screen.status(lines);
      return;
    }
    const text = lines.slice(0, -1).join('\n');
    if (text !== this.printed) for (const line of lines) this.screen.say(line);
    this.printed = text;
  }

  press(key: string): void {
    const action = {
      w: this.killWorker,
      h: this.killLeader,
      b: this.bringBack,
      c: this.toggleCut,
      l: this.toggleLoad,
    }[key];
    if (action === undefined || this.busy) return;
    this.busy = true;
    action
      .call(this)
      .catch((error: unknown) => {
        if (!(error instanceof Interrupted)) this.screen.say(`that failed: ${(error as Error).message}`);
      })
      .finally(() => {
        this.busy = false;
      });
  }

  private async killWorker(): Promise<void> {
    const host = await hostWithWorkers(this.demo);
    const seconds = await replaceWorker(this.demo, host, 0);
    this.screen.say(`worker 0 of ${host} was killed and served again after ${seconds} s`);
  }

  private async killLeader(): Promise<void> {
    const [leader] = leadersOf((await this.demo.look()).hosts);
    if (leader === undefined || this.demo.hosts.size < 2) return;
    await this.demo.killHost(leader);
    this.screen.say(`${leader} is gone with everything on it`);
  }

  private async bringBack(): Promise<void> {
    for (const host of this.demo.plan.hosts) {
      if (this.demo.hosts.has(host.name)) continue;
      await this.demo.startHost(host.name);
      this.screen.say(`${host.name} is back`);
    }
  }

  private async toggleCut(): Promise<void> {
    const [alone, ...rest] = [...this.demo.hosts.values()].map(host => ({ ...host.plan, pid: host.pid }));
    if (alone === undefined || rest.length === 0) return;
    if (this.isCut) await heal([alone, ...rest]);
    else await cut(alone, rest);
    this.isCut = !this.isCut;
    this.screen.say(
      this.isCut ? `${alone.name} cannot reach the others any more` : 'the network is whole again',
    );
  }

  private async toggleLoad(): Promise<void> {
    if (this.load.running) this.load.stop();
    else this.load.start();
    this.screen.say(
      this.load.running ? `${LOAD.requestsPerSecond} requests per second` : 'no load from here',
    );
  }
}

/** Single keys of a terminal; nothing without one. Returns what gives the terminal back. */
function readKeys(onKey: (key: string) => void, onEnd: () => void): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => {};
  const listen = (data: Buffer): void => {
    for (const key of keysOf(data.toString('utf8'))) {
      if (key === 'q' || key === CTRL_C) onEnd();
      else onKey(key);
    }
  };
  // A terminal window that is closed gives EIO here and to setRawMode; it ends the demo as its hang-up signal does.
  stdin.on('error', onEnd);
  stdin.setRawMode(true);
  stdin.on('data', listen);
  stdin.resume();
  return () => {
    stdin.off('data', listen);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

const CTRL_C = '\u0003';

/** A busy moment brings several keys at once. Of an escape sequence (an arrow key) only a Ctrl-C behind it counts. */
export function keysOf(text: string): string[] {
  const keys = text.startsWith('\u001b') ? text.slice(text.indexOf(CTRL_C)) : text;
  return text.startsWith('\u001b') && !text.includes(CTRL_C) ? [] : [...keys];
}
