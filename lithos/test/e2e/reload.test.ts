// A reload with many entries of which one has changed.
import t from 'tap';
import { Host, until } from '../support.ts';

t.setTimeout(300_000);

const COUNT = 200;
const CHANGED = 17;

function entries(changed: string): string {
  const line = (number: number) => {
    const variables = `variables: {v: ${number === CHANGED ? changed : 'same'}}`;
    return `p${number}: {image: app.1, config: /config/web.yaml, ${variables}}\n`;
  };
  return Array.from({ length: COUNT }, (_, number) => line(number)).join('');
}

/** Milliseconds from the decision to the new program running, as the tree's own log has it. */
function tookMs(h: Host, name: string): number {
  const lines = h
    .log()
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as { time: string; message: string });
  const at = (message: string) => Date.parse(lines.findLast(line => line.message === message)?.time ?? '');
  return at(`${h.name(name)} started`) - at('signal: reload');
}

t.test(
  `§1.1 reload-signal, §3.2 replace: of ${COUNT} entries exactly the changed one is restarted`,
  async t => {
    const h = await Host.make();
    t.teardown(() => h.dispose());
    h.containerFile('web', 'exec sleep 100000', 'variables: {v: !Name }\nrestart-timeout: 0');
    h.processFile(entries('one'));
    await h.start();
    const pids = () => new Map(h.status()?.instances.map(({ name, pid }) => [name, pid]));
    await until(
      'all of them run',
      () => [...pids().values()].filter(pid => pid !== null).length === COUNT,
      60_000,
    );
    for (const version of ['two', 'three', 'four']) {
      const before = pids();
      const { run } = await h.running(`p${CHANGED}.0`);
      h.processFile(entries(version));
      await h.reload();
      await h.running(`p${CHANGED}.0`, run);
      const changed = [...pids()].filter(([name, pid]) => before.get(name) !== pid).map(([name]) => name);
      t.same(changed, [h.name(`p${CHANGED}.0`)]);
      t.comment(`decision to running: ${tookMs(h, `p${CHANGED}.0`)} ms`);
    }
    const starts = [...h.log().matchAll(/\/(p\d+\.0) started"/g)].map(([, name]) => name);
    const again = starts.filter((name, index) => starts.indexOf(name) < index);
    t.same(again, Array(3).fill(`p${CHANGED}.0`));
    t.notMatch(h.log(), '"level":"error"');
  },
);
