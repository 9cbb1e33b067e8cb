import t from 'tap';
import { commandDump, isLogged, logText, parseLogFilter } from '../../src/core/log-lines.ts';

const shown = (asked: string, level: Parameters<typeof isLogged>[1], module = 'vagga::wrapper::build') =>
  isLogged(parseLogFilter(asked), level, module);

t.test('§4.7 RUST_LOG: which lines are shown', async t => {
  for (const [asked, level, expected] of [
    ['', 'warn', true],
    ['', 'info', false],
    ['error', 'warn', false],
    ['error', 'error', true],
    ['ERROR', 'warn', false],
    ['off', 'error', false],
    ['trace', 'trace', true],
    ['debug', 'trace', false],
    ['vagga', 'trace', true],
    ['vagga=info', 'info', true],
    ['vagga=info', 'debug', false],
    ['vagga=', 'trace', true],
    ['vagga::launcher=info', 'error', false],
    ['warn,vagga::wrapper=debug', 'debug', true],
    ['debug,vagga::wrapper::build=error', 'warn', false],
    ['vagga::wrapper::build=error,debug', 'warn', false],
    ['error,warn', 'warn', true],
    ['warn/some regex', 'warn', true],
    ['vagga=nonsense', 'warn', true],
    [' , ,', 'warn', true],
  ] as const)
    t.equal(shown(asked, level), expected, `${asked} ${level}`);
});

t.test('§4.7 RUST_LOG: the line', async t => {
  const line = { module: 'vagga::wrapper::build', text: 'x', timeS: 1_533_038_400 } as const;
  const plain = (text: string) => text;
  t.equal(logText({ ...line, level: 'warn' }, plain), ' WARN 2018-07-31T12:00:00Z: vagga::wrapper::build: x');
  t.equal(
    logText({ ...line, level: 'error' }, plain),
    'ERROR 2018-07-31T12:00:00Z: vagga::wrapper::build: x',
  );
  t.equal(
    logText({ ...line, level: 'info' }, level => `<${level}>`),
    '< INFO> 2018-07-31T12:00:00Z: vagga::wrapper::build: x',
  );
});

t.test('§4.7 VAGGA_DEBUG_CMDENV: variables only for who asks', async t => {
  t.equal(commandDump(['/bin/sh', '-c', 'a b'], undefined), 'Running ["/bin/sh","-c","a b"]');
  t.equal(commandDump(['x'], { A: '1' }), 'Running ["x"]; environ: {"A":"1"}');
});
