// At most so many at once; the others wait in the order they came.

export function limited(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = count;
  const waiting: (() => void)[] = [];
  const done = () => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  };
  return async work => {
    if (free > 0) free--;
    else await new Promise<void>(resolve => waiting.push(resolve));
    try {
      return await work();
    } finally {
      done();
    }
  };
}
