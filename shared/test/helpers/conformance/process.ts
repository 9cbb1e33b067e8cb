// The program itself: arguments, ids, rights, limits, its end.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownLimits } from '../../../src/linux/hard-limits.ts';
import { type Idea, STATUS } from './case.ts';

export const PROCESS: Record<string, Idea> = {
  'process: arguments, environment and directory arrive as they are': async (t, each) => {
    const argv = [
      '/usr/bin/python3',
      '-c',
      'import os,sys,json; print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]))',
      'two words',
      '',
      'grün "x"\n$HOME',
    ];
    const env = { A: '', B: 'a=b', C: 'ü\nü' };
    const [args, environ, cwd] = JSON.parse(await each.run(t, argv, { env, cwd: '/data' }));
    t.same(args, argv.slice(3));
    // Runtimes add a home directory; Python may add its own locale.
    const { HOME: _, LC_CTYPE: __, ...rest } = environ;
    t.same(rest, env);
    t.equal(cwd, '/data');
  },
  'process: a missing program or directory is an error, and nothing is left': async (t, each) => {
    for (const broken of [
      await each.attempt(['/does/not/exist']),
      await each.attempt('true', { cwd: '/nowhere-made' }),
    ]) {
      if (broken.code === 0) continue;
      t.match(broken.stderr, /.{5}/);
    }
    t.not((await each.attempt(['/does/not/exist'])).code, 0);
    t.same(await each.runtime.list(), []);
  },
  'process_user: user, group and exactly the additional groups': async (t, each) => {
    t.equal(
      await each.run(t, 'id -u; id -g; id -G', { uid: 1234, gid: 567, additionalGids: [8, 9] }),
      '1234\n567\n567 8 9\n',
    );
    t.equal(await each.run(t, STATUS('Groups')), 'Groups:\n', 'those of the caller do not leak');
  },
  'process_capabilities: all five sets, for root and for others': async (t, each) => {
    const sets = STATUS('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb');
    const none = '0000000000000000';
    const kill = '0000000000000020';
    t.equal(
      await each.run(t, sets),
      `CapInh:${none}\nCapPrm:${none}\nCapEff:${none}\nCapBnd:${none}\nCapAmb:${none}\n`,
    );
    t.equal(
      await each.run(t, sets, { uid: 5, gid: 5, capabilities: ['KILL'] }),
      `CapInh:${kill}\nCapPrm:${kill}\nCapEff:${kill}\nCapBnd:${kill}\nCapAmb:${kill}\n`,
    );
    t.match(
      await each.run(t, sets, { capabilities: ['CAP_KILL'] }),
      `CapPrm:${kill}\nCapEff:${kill}\nCapBnd:${kill}\nCapAmb:${none}`,
    );
  },
  'process_capabilities_fail: an unknown capability gives nothing': async (t, each) => {
    const { code, stdout } = await each.attempt(STATUS('CapBnd'), { capabilities: ['NO_SUCH_THING'] });
    if (code === 0) t.equal(stdout, 'CapBnd:0000000000000000\n');
    else t.not(code, 0);
  },
  'process_rlimits: soft and hard limits': async (t, each) => {
    const limits = { noFile: 77, rlimits: { core: 0, fsize: 1 << 20, stack: 1 << 20 } };
    const seen = await each.run(t, 'for n in n c f s; do echo $(ulimit -S$n) $(ulimit -H$n); done', {
      limits,
    });
    t.equal(seen, '77 77\n0 0\n2048 2048\n1024 1024\n');
  },
  'process_rlimits_fail: a limit the kernel refuses is an error': async (t, each) => {
    const { code } = await each.attempt('true', { limits: { noFile: ownLimits().openFilesMax + 1 } });
    t.not(code, 0);
  },
  'no_new_privs: set-uid programs gain nothing': async (t, each) => {
    const program = join(each.lab.root, 'data', 'suid');
    writeFileSync(program, readFileSync('/usr/bin/id'), { mode: 0o755 });
    chmodSync(program, 0o4755);
    const user = { uid: 1000, gid: 1000 };
    t.equal(await each.run(t, `${STATUS('NoNewPrivs')}; /data/suid -u`, user), 'NoNewPrivs:1\n1000\n');
    t.equal(
      await each.run(t, `${STATUS('NoNewPrivs')}; /data/suid -u`, { ...user, noNewPrivileges: false }),
      'NoNewPrivs:0\n0\n',
    );
    rmSync(program);
  },
  'terminal false: no terminal, and the output is ours': async (t, each) => {
    t.equal(await each.run(t, 'tty; test -e /dev/console && echo console; true'), 'not a tty\n');
  },
  'exit code and signal of the program come back': async (t, each) => {
    t.equal((await each.attempt('exit 7')).code, 7);
    t.equal((await each.attempt('kill -TERM $$', { init: { hostPath: '/usr/bin/catatonit' } })).code, 143);
  },
};
