import type { LogSink, Place } from './deploy-log.ts';

/** Said in place of a position that does not exist. */
const LOST: Place = { segment: 'lost', offset: 0 };

export interface ForgivingSink extends LogSink {
  /** The first thing that could not be written, in words; undefined while everything could. */
  failure(): string | undefined;
}

/** Availability first: a full or broken log disk must not keep a schedule from being applied. What cannot be written is lost, and said. */
export function forgivingSink(sink: LogSink): ForgivingSink {
  let failure: string | undefined;
  const noted = (error: Error): void => {
    failure ??= error.message;
  };
  return {
    append: (name, text) =>
      sink.append(name, text).catch((error: Error) => {
        noted(error);
        return LOST;
      }),
    index: (line, day) => sink.index(line, day).catch(noted),
    failure: () => failure,
  };
}
