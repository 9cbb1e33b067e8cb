// Output of a detached command: a log of limited size instead of a terminal.
import { closeSync, openSync, renameSync, writeSync } from 'node:fs';
import { DETACHED_LOG_BYTES_MAX } from '../../config/defaults.ts';
import { logPrefix } from '../../core/supervise/log-line.ts';
import type { Output, StreamName } from '../supervise/output.ts';
import type { RunPlace } from './place.ts';

const NEWLINE = Buffer.from('\n');

export class LogOutput implements Output {
  readonly #place: RunPlace;
  #fd: number;
  #sizeBytes = 0;

  constructor(place: RunPlace) {
    this.#place = place;
    this.#fd = openSync(place.log, 'a', 0o600);
  }

  lines(name: string, to: StreamName, lines: readonly Uint8Array[]): boolean {
    const before = Buffer.from(logPrefix(new Date().toISOString(), name, to));
    this.#write(Buffer.concat(lines.flatMap(line => [before, line, NEWLINE])));
    return true;
  }

  /** A file takes everything at once. */
  whenRead(_: StreamName, callback: () => void): void {
    callback();
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }

  say(to: StreamName, text: string): void {
    this.lines('', to, [Buffer.from(text)]);
  }

  #write(bytes: Buffer): void {
    if (this.#sizeBytes + bytes.length > DETACHED_LOG_BYTES_MAX) this.#rotate();
    // At most one batch of lines; to a file the kernel takes it whole, unless the disk is full.
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    this.#sizeBytes += bytes.length;
  }

  /** Who follows the log reads the old file to its end and then finds the new one. */
  #rotate(): void {
    renameSync(this.#place.log, this.#place.olderLog);
    closeSync(this.#fd);
    this.#fd = openSync(this.#place.log, 'a', 0o600);
    this.#sizeBytes = 0;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
