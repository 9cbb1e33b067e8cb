// Limits of commands as files of cgroups, and where cgroup v2 has a place for them (which the machine of the test may not have).
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeUnified } from '../../src/adapters/run/unified-cgroup.ts';
import { limitFiles } from '../../src/core/run/limits.ts';

t.test('the same limits in the words of v1 and of v2', t => {
  const limits = { memoryLimit: 2 ** 20, cpuQuota: 150, pidsLimit: 10 };
  const lines = (version: 1 | 2) =>
    limitFiles(limits, () => version).map(
      ({ name, text, optional }) => `${name} ${text}${optional ? '?' : ''}`,
    );
  const pids = `pids.max ${limitFiles({ pidsLimit: 10 }, () => 2)[0]?.text}`;
  t.same(lines(1), [
    'memory.limit_in_bytes 1048576',
    'memory.memsw.limit_in_bytes 1048576?',
    'cpu.cfs_period_us 100000',
    'cpu.cfs_quota_us 150000',
    pids,
  ]);
  t.same(lines(2), ['memory.max 1048576', 'memory.swap.max 0?', 'cpu.max 150000 100000', pids]);
  t.end();
});

/** A directory with the files of a cgroup, as the kernel would make them. */
function cgroup(directory: string, procs: string): string {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'cgroup.type'), 'domain\n');
  writeFileSync(join(directory, 'cgroup.procs'), procs);
  writeFileSync(join(directory, 'cgroup.subtree_control'), '');
  return directory;
}

t.test('a cgroup with processes in it is not asked to pass cpu and pids on', t => {
  const top = t.testdir();
  const slice = cgroup(join(top, 'app.slice'), '');
  const own = cgroup(join(slice, 'own.scope'), '12\n');
  const wanted = { top, own, name: 'vagga-1', controllers: ['pids'] } as const;
  // Nothing here makes the files of a new cgroup, so none is usable.
  t.throws(() => makeUnified(wanted), {
    message: 'no cgroup that we may write to has pids',
    hint: /user@\.service/,
  });
  t.equal(
    readFileSync(join(own, 'cgroup.subtree_control'), 'utf8'),
    '',
    'its children would take no process',
  );
  t.equal(readFileSync(join(slice, 'cgroup.subtree_control'), 'utf8'), '+pids');
  t.same(
    [top, slice, own].flatMap(each => readdirSync(each)).filter(name => name.startsWith('vagga-')),
    [],
    'what is of no use goes',
  );
  t.end();
});

t.test('where nothing may be written an own scope is what helps', t => {
  const own = join(t.testdir(), 'absent');
  const wanted = { top: own, own, name: 'vagga-1', controllers: ['memory'] } as const;
  t.throws(() => makeUnified(wanted), { message: /memory/, hint: /^systemd-run --user/ });
  t.throws(() => makeUnified({ ...wanted, top: '', own: '' }), { message: /memory/ }, 'no v2 at all');
  t.notOk(existsSync(own));
  t.end();
});
