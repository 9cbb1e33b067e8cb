import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { appendLine, LogFile } from '../../src/adapters/logs/log-file.ts';
import { keepOld, makeNext, rotateOwn, settle } from '../../src/adapters/logs/rotation.ts';
import { logColumns, markerLine, parseLogLine } from '../../src/core/logs/line.ts';

function directory(test: Pick<typeof t, 'teardown'>): string {
  const made = mkdtempSync(join(tmpdir(), 'lithos-logs-'));
  test.teardown(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

t.test('§7 stdio-log: lines of a monitor and of ours read back', async t => {
  const found = parseLogLine('2026-11-20T10:12:55.211131525+00:00 stderr P some  text ');
  t.match(found, { stream: 'stderr', partial: true, text: 'some  text ' });
  t.equal(found?.wallMs, Date.UTC(2026, 10, 20, 10, 12, 55, 211));
  t.equal(
    parseLogLine('2026-11-20T12:12:55.211131525+02:00 stdout F x')?.wallMs,
    found?.wallMs,
    'monitors write local time',
  );
  const own = markerLine(1_000, 'two\nlines');
  t.equal(own, '1970-01-01T00:00:01.000000000+00:00 lithos F ----- two lines -----\n');
  t.match(parseLogLine(own.trimEnd()), { stream: 'lithos', partial: false, wallMs: 1_000 });
  for (const torn of ['', '2026-11-20T10:12', 'text', '2026-11-20T10:12:55+00:00 stdin F x'])
    t.equal(parseLogLine(torn), undefined, torn);
});

t.test('what a write that was cut short left at the end of a log is put right', async t => {
  const columns = logColumns(0, 'stdout', false);
  const cases: [string, string, string][] = [
    ['nothing', '', 'new\n'],
    ['a whole line', `${columns}one\n`, `${columns}one\nnew\n`],
    ['columns alone', `${columns}one\n${columns}`, `${columns}one\nnew\n`],
    ['nothing but columns', columns, 'new\n'],
    ['half a line', `${columns}one\n${columns}tw`, `${columns}one\n${columns}tw\nnew\n`],
  ];
  for (const [what, before, after] of cases) {
    const path = join(directory(t), 'x.log');
    writeFileSync(path, before);
    const file = new LogFile(path, { sizeBytes: 1000, files: 2 });
    file.write('new\n');
    file.close();
    t.equal(readFileSync(path, 'utf8'), after, what);
  }
  const path = join(directory(t), 'made/x.log');
  appendLine(path, 'torn');
  appendLine(path, 'whole\n');
  t.equal(readFileSync(path, 'utf8'), 'torn\nwhole\n');
});

t.test(
  'a log that somebody empties or adds a line to while we write it stays one of whole lines',
  async t => {
    const path = join(directory(t), 'x.log');
    const file = new LogFile(path, { sizeBytes: 1000, files: 2 });
    file.write('one\n');
    appendLine(path, 'a line of ours\n');
    file.write('two\n');
    t.equal(readFileSync(path, 'utf8'), 'one\na line of ours\ntwo\n', 'nothing is written over');
    truncateSync(path);
    file.write('three\n');
    t.equal(readFileSync(path, 'utf8'), 'three\n', 'no hole where the old lines were');
    writeFileSync(path, 'torn', { flag: 'a' });
    file.write('four\n');
    t.equal(readFileSync(path, 'utf8'), 'three\ntorn\nfour\n');
    file.close();
  },
);

t.test('a rotation keeps as many files as it should, wherever an earlier one was cut short', async t => {
  const path = join(directory(t), 'x.log');
  const content = () =>
    readdirSync(join(path, '..')).map(name => readFileSync(join(path, '..', name), 'utf8'));
  for (const text of ['a', 'b', 'c', 'd']) {
    writeFileSync(path, text);
    rotateOwn(path, 3);
  }
  t.same(content(), ['', 'd', 'c'], 'current, .1, .2');
  writeFileSync(path, 'e');
  renameSync(`${path}.1`, `${path}.2`);
  keepOld(path, 3);
  t.same(content(), ['e', 'e', 'd'], 'a gap is filled before anything is dropped');
  keepOld(path, 3);
  t.same(content(), ['e', 'e', 'd'], 'what has its old name already is not moved again');
  const alone = join(directory(t), 'y.log');
  writeFileSync(alone, 'a');
  rotateOwn(alone, 1);
  t.equal(readFileSync(alone, 'utf8'), '', 'one file: the old one goes');
});

t.test('a file that was removed is begun again', async t => {
  const path = join(directory(t), 'x.log');
  const file = new LogFile(path, { sizeBytes: 1000, files: 2 });
  file.write('one\n');
  rmSync(path);
  file.checkPlace();
  file.write('two\n');
  file.close();
  t.equal(readFileSync(path, 'utf8'), 'two\n');
});

t.test('a file that a monitor was asked for twice does not vanish', async t => {
  const path = join(directory(t), 'x.log');
  const content = (name: string) => readFileSync(`${path}${name}`, 'utf8');
  writeFileSync(path, 'first');
  writeFileSync(`${path}.1`, 'zeroth');
  // One supervisor asks and dies, the monitor obeys and writes, and obeys once more.
  const next = makeNext(path);
  keepOld(path, 5);
  renameSync(next.path, path);
  writeFileSync(path, 'second');
  writeFileSync(`${path}.other`, 'third');
  renameSync(`${path}.other`, path);
  settle(path, 5);
  t.same(['', '.1', '.2', '.3'].map(content), ['third', 'second', 'first', 'zeroth']);
  t.notOk(readdirSync(join(path, '..')).includes('x.log.next'));
  makeNext(path);
  settle(path, 5);
  t.same(readdirSync(join(path, '..')).sort(), ['x.log', 'x.log.1', 'x.log.2', 'x.log.3', 'x.log.tmp']);
});
