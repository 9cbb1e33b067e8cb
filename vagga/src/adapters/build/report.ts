// What a build tells while it goes on: one line per step for the user, the log and the timings beside the image.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Progress } from '@suite/shared/cli/progress.ts';
import type { Step } from '../../config/model.ts';
import { sizeText } from '../../core/size-text.ts';
import type { BuildLog } from './log.ts';
import { Timings } from './timings.ts';

type How = 'made' | 'cached' | 'nothing to do';

interface StepTiming {
  readonly step: string;
  readonly line: number;
  readonly how: How | 'failed';
  readonly seconds: number;
  readonly sizeBytes: number;
}

export interface StepEnd {
  /** `sizeBytes`: of what the step has added. */
  ok(how: How, sizeBytes?: number): void;
  /** Returns its argument. */
  failed(message: string): string;
}

const SHOWN: Readonly<Record<How, string>> = { made: 'done', cached: 'cached', 'nothing to do': 'done' };

export class StepReport {
  readonly timings: Timings;
  readonly #name: string;
  readonly #count: number;
  readonly #progress: Progress;
  readonly #log: BuildLog;
  readonly #file: string;
  readonly #steps: StepTiming[] = [];

  /** `directory`: where the image comes into being; `count`: of steps. */
  constructor(name: string, count: number, progress: Progress, log: BuildLog, directory: string) {
    this.#name = name;
    this.#count = count;
    this.#progress = progress;
    this.#log = log;
    this.#file = join(directory, 'timings.json');
    log.onWarning = text => progress.note(`Warning: container ${name}: ${text}`);
    this.timings = new Timings(join(directory, 'timings.log'));
  }

  begin(title: string, step: Step): StepEnd {
    const startMs = performance.now();
    const shown = this.#progress.start(`${this.#name} [${this.#steps.length + 1}/${this.#count}] ${title}`);
    this.timings.mark(`Step: ${title}`);
    this.#log.beginStep(title);
    this.#log.onLine = line => shown.update(line);
    const end = (how: StepTiming['how'], sizeBytes: number) => {
      const seconds = (performance.now() - startMs) / 1000;
      this.#steps.push({ step: title, line: step.line, how, seconds, sizeBytes });
      writeFileSync(this.#file, `${JSON.stringify(this.#steps, null, 1)}\n`);
    };
    return {
      ok: (how, sizeBytes = 0) => {
        end(how, sizeBytes);
        shown.done(sizeBytes === 0 ? SHOWN[how] : `${SHOWN[how]}, ${sizeText(sizeBytes)}`);
      },
      failed: message => {
        end('failed', 0);
        shown.failed(message);
        return message;
      },
    };
  }

  beginFinish(): void {
    this.#log.beginStep('finish');
    this.timings.mark('Finish');
  }
}
