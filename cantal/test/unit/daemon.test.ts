import t from 'tap';
import { createScanner } from '../../src/adapters/scanner.ts';
import { prometheusText } from '../../src/daemon/prometheus.ts';
import { ScanLoop } from '../../src/daemon/scan-loop.ts';

/** A clock that stands until it is moved; `after` remembers one call. */
function handClock(startMs: number) {
  let nowMs = startMs;
  let setBy = 0;
  let pending: { atMs: number; run: () => void } | undefined;
  return {
    wallMs: () => nowMs + setBy,
    monotonicMs: () => nowMs,
    after(delayMs: number, run: () => void) {
      pending = { atMs: nowMs + delayMs, run };
      return { cancel: () => undefined };
    },
    /** Time that passes without anybody running. */
    pass(ms: number) {
      nowMs += ms;
    },
    setWall(ms: number) {
      setBy += ms;
    },
    /** Runs the pending call, late when its time is over. */
    fire() {
      const call = pending;
      if (call === undefined) throw new Error('nothing is pending');
      nowMs = Math.max(nowMs, call.atMs);
      call.run();
    },
  };
}

t.test('scans that could not be made are counted', async t => {
  const scanner = createScanner({ procRoot: '/nonexistent', cgroupRoot: '/nonexistent' });
  const clock = handClock(10_300);
  const times: number[] = [];
  let scanTakesMs = 10;
  const loop = new ScanLoop({
    clock,
    scanner,
    intervalMs: 1000,
    onScan: result => {
      times.push(result.timestampMs);
      clock.pass(scanTakesMs);
    },
    onFailure: error => t.fail(String(error)),
    log: () => undefined,
  });
  loop.start();
  clock.fire();
  clock.fire();
  t.same(times, [10_300, 11_000, 12_000]);
  t.equal(loop.skipped, 0, 'the way from the first scan to the grid is no loss');
  scanTakesMs = 2500;
  clock.fire();
  scanTakesMs = 10;
  clock.fire();
  t.same(times.slice(3), [13_000, 16_000]);
  t.equal(loop.skipped, 2, 'a scan of 2.5 s skips two');
  clock.pass(5300);
  clock.fire();
  t.equal(loop.skipped, 6, 'a process that stood still for 5.3 s made one scan late and four not at all');
  clock.setWall(3_600_000);
  clock.fire();
  clock.fire();
  t.equal(loop.skipped, 6, 'a clock set forward skips none');
  scanner.close();
});

t.test('/metrics is valid whatever applications call their metrics', async t => {
  const scanner = createScanner({ procRoot: '/nonexistent', cgroupRoot: '/nonexistent' });
  const counter = (labels: Record<string, string>) => ({ labels, kind: 'Counter' as const });
  const gauge = (labels: Record<string, string>) => ({ labels, kind: 'Float' as const });
  const fields = [
    counter({ group: 'a', kind: 'x', metric: 'requests' }),
    counter({ kind: 'x', metric: 'requests', group: 'a' }),
    gauge({ group: 'a', metric: 'requests_total' }),
    gauge({ group: 'a', metric: 'size.of\n"things"', 'x-y': '1', x_y: '2', '7': 'b"\\\n', __name__: 'evil' }),
    gauge({ metric: '' }),
    gauge({ group: 'nothing is called that' }),
    gauge({ group: 'a', metric: 'big' }),
  ];
  const group = scanner.history.open({ pid: '1' }, fields);
  if (group === undefined) throw new Error('no room');
  [1, 2, 3, 4, 5, 6, Number.POSITIVE_INFINITY].forEach((value, index) => {
    scanner.history.set(group.first + index, value);
  });
  const text = prometheusText(scanner);
  const sample =
    /^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\["\\n])*",?)+\})? (-?[\d.]+(e[+-]\d+)?|[+-]Inf)$/;
  const seen = new Set<string>();
  let family = '';
  for (const line of text.trimEnd().split('\n')) {
    const [, kind, name] = /^# (HELP|TYPE) (\S+) /.exec(line) ?? [];
    if (kind !== undefined) {
      t.notOk(seen.has(`${kind} ${name}`), `one ${kind} of ${name}`);
      seen.add(`${kind} ${name}`);
      family = name ?? '';
      continue;
    }
    t.match(line, sample);
    t.equal(/^[^{ ]+/.exec(line)?.[0], family, 'samples stand below their family');
    const labels = /\{(.*)\} /.exec(line)?.[1]?.match(/\w+="([^"\\]|\\.)*"/g) ?? [];
    const id = `${family} ${labels.sort().join()}`;
    t.notOk(seen.has(id), `${id} once`);
    seen.add(id);
    const names = [...id.matchAll(/([a-zA-Z0-9_]+)="/g)].map(found => found[1]);
    t.equal(new Set(names).size, names.length, 'no label twice');
    t.notOk(names.some(found => found?.startsWith('__')));
  }
  t.match(
    text,
    '# HELP cantal_app_requests_total requests\n# TYPE cantal_app_requests_total counter\ncantal_app_requests_total{pid="1",group="a",kind="x"} 1\n',
  );
  t.match(text, 'cantal_app_big{pid="1",group="a"} +Inf\n');
  t.match(text, '_7="b\\"\\\\\\n"');
  scanner.close();
});
