// What a person sees: stages while starting, a block of live lines at the bottom of a terminal, plain lines elsewhere.
import type { WriteStream } from 'node:tty';
import type { DemoPlan } from '../plan.ts';

export class Screen {
  private readonly out: NodeJS.WriteStream;
  private readonly live: boolean;
  private shown = 0;

  /** `out` is stderr when stdout belongs to JSON. */
  constructor(out: NodeJS.WriteStream) {
    this.out = out;
    this.live = (out as WriteStream).isTTY === true && process.env.TERM !== 'dumb';
  }

  /** True when `status` is drawn over itself. */
  get redraws(): boolean {
    return this.live;
  }

  showPlan(plan: DemoPlan): void {
    this.say(`Three hosts on ${plan.network}.0/24 (bridge ${plan.bridge}), all files in .demo/:`);
    for (const host of plan.hosts) {
      this.say(
        `  ${host.name.padEnd(8)} ${host.address}  lithos_tree as PID 1, cantal and verwalter in sandboxes`,
      );
    }
  }

  stage(name: string): void {
    this.status([`${STAGES[name] ?? name} …`]);
  }

  done(name: string, seconds: number): void {
    this.say(`${STAGES[name] ?? name}: ${seconds.toFixed(1)} s`);
  }

  /** A line that stays. */
  say(line: string): void {
    this.clear();
    this.out.write(`${line}\n`);
  }

  /** What went wrong: always on standard error. */
  problem(text: string): void {
    this.clear();
    process.stderr.write(`\n${text}\n`);
  }

  /** Lines that the next call replaces; only on a terminal. */
  status(lines: readonly string[]): void {
    if (!this.live) return;
    this.clear();
    // A terminal that does not know its width says 0.
    const width = ((this.out as WriteStream).columns || 80) - 1;
    for (const line of lines) this.out.write(`${printable(line).slice(0, width)}\n`);
    this.shown = lines.length;
  }

  private clear(): void {
    if (this.shown > 0) this.out.write(`\x1b[${this.shown}A\x1b[J`);
    this.shown = 0;
  }
}

/** Output of other programs may carry colours, carriage returns, tabs: any of them would break the redrawing. */
function printable(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is removed
  return line.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replace(/[\x00-\x1f\x7f]+/g, ' ');
}

const STAGES: Readonly<Record<string, string>> = {
  images: 'Images built by vagga from Debian packages',
  hosts: 'Hosts with lithos_tree as PID 1',
  cluster: 'Leader elected, schedule rendered, all workers serving',
};
