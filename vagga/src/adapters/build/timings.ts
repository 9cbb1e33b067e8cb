// timings.log beside the image: `since start, since previous, what` per line, seconds.
import { appendFileSync } from 'node:fs';

export class Timings {
  readonly #path: string;
  readonly #startMs = performance.now();
  #previousMs = this.#startMs;

  constructor(path: string) {
    this.#path = path;
    this.mark(`Start ${((performance.timeOrigin + this.#startMs) / 1000).toFixed(3)}`);
  }

  mark(text: string): void {
    const nowMs = performance.now();
    const column = (ms: number) => (ms / 1000).toFixed(3).padStart(7);
    appendFileSync(
      this.#path,
      `${column(nowMs - this.#startMs)} ${column(nowMs - this.#previousMs)}   ${text}\n`,
    );
    this.#previousMs = nowMs;
  }

  get elapsedS(): number {
    return (performance.now() - this.#startMs) / 1000;
  }
}
