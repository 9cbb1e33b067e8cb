// What it sees of files: the root, mounts, devices, kernel files.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mount, umount } from '../../../src/linux/mount.ts';
import { MASKED_PATHS, READONLY_PATHS } from '../../../src/oci/kernel-files.ts';
import { bind, type Idea, mountLines, tmpfs } from './case.ts';

export const FILES: Record<string, Idea> = {
  'default: mounts with their options': async (t, each) => {
    const lines = new Map(
      (await each.run(t, mountLines))
        .trim()
        .split('\n')
        .map(line => line.split(' ', 2) as [string, string]),
    );
    t.match(lines.get('/proc'), /nosuid,nodev,noexec/);
    t.match(lines.get('/sys'), /^ro,nosuid,nodev,noexec/);
    t.match(lines.get('/dev'), /nosuid/);
    t.match(lines.get('/dev/pts'), /nosuid,noexec/);
    for (const path of ['/dev/shm', '/dev/mqueue']) t.match(lines.get(path), /nosuid,nodev,noexec/);
  },
  'default: devices and links': async (t, each) => {
    const names = 'null zero full random urandom tty';
    const seen = await each.run(
      t,
      `cd /dev; stat -c "%n %t:%T %a" ${names}; for l in fd stdin stdout stderr ptmx; do readlink $l; done`,
    );
    t.equal(
      seen,
      'null 1:3 666\nzero 1:5 666\nfull 1:7 666\nrandom 1:8 666\nurandom 1:9 666\ntty 5:0 666\n' +
        '/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n',
    );
  },
  root_readonly_true: async (t, each) => {
    t.match(await each.run(t, 'touch /x 2>&1; true'), 'Read-only file system');
    t.equal(existsSync(join(each.lab.root, 'x')), false);
  },
  root_readonly_false: async (t, each) => {
    t.equal(await each.run(t, 'touch /data/written && echo ok', { readonlyRoot: false }), 'ok\n');
    t.ok(existsSync(join(each.lab.root, 'data', 'written')));
    rmSync(join(each.lab.root, 'data', 'written'));
  },
  'mounts: parents first, with their options': async (t, each) => {
    const source = mkdtempSync(join(each.lab.directory, 'mount-'));
    mkdirSync(join(source, 'inner'));
    const mounts = [
      tmpfs('/data/inner', { sizeBytes: 65_536, mode: 0o700, noexec: true }),
      bind(source, '/data', { readonly: true }),
    ];
    const seen = await each.run(
      t,
      `${mountLines} | grep " */data"; stat -f -c "%b %S" /data/inner; touch /data/inner/x && echo inner; touch /data/x 2>&1 | grep -c Read-only`,
      { mounts },
    );
    t.match(seen, /^\/data ro,nosuid,nodev.*\n\/data\/inner rw,nosuid,nodev,noexec.*\n16 4096\ninner\n1\n$/);
  },
  'mounts: a file over a file': async (t, each) => {
    const source = join(each.lab.directory, 'a-file');
    writeFileSync(source, 'ours\n');
    writeFileSync(join(each.lab.root, 'etc', 'name'), 'of the image\n');
    for (const readonly of [true, false])
      t.match(
        await each.run(t, `cat /etc/name; ${mountLines} | grep etc`, {
          mounts: [bind(source, '/etc/name', { readonly })],
        }),
        /^ours\n.*nosuid,nodev/,
      );
  },
  'mounts_recursive: flags hold below the source too': async (t, each) => {
    const source = mkdtempSync(join(each.lab.directory, 'deep-'));
    mkdirSync(join(source, 'below'));
    mount({ source: 'tmpfs', target: join(source, 'below'), type: 'tmpfs' });
    try {
      const seen = await each.run(t, `${mountLines} | grep below`, {
        mounts: [bind(source, '/data', { readonly: true, recursive: true })],
      });
      t.match(seen, /^\/data\/below ro,nosuid,nodev/);
    } finally {
      umount(join(source, 'below'));
    }
  },
  'linux_masked_paths: neither files nor directories show anything': async (t, each) => {
    const script = MASKED_PATHS.map(
      path => `test -d ${path} && ls -A ${path} || head -c 1 ${path} 2>/dev/null`,
    ).join('; ');
    t.equal(await each.run(t, `${script}; true`), '');
  },
  'linux_readonly_paths: cannot be written': async (t, each) => {
    const script = READONLY_PATHS.map(path => `test -e ${path} && { test -w ${path} && echo ${path}; }`).join(
      '; ',
    );
    t.equal(
      await each.run(t, `${script}; echo 1 2>/dev/null > /proc/sys/kernel/panic && echo written; true`),
      '',
    );
  },
  'linux_devices: a further one with its mode and owner': async (t, each) => {
    const device = {
      path: '/dev/further',
      type: 'c',
      major: 1,
      minor: 7,
      mode: 0o640,
      uid: 3,
      gid: 4,
    } as const;
    t.equal(
      await each.run(t, 'stat -c "%F %t:%T %a %u %g" /dev/further', { devices: [device] }),
      'character special file 1:7 640 3 4\n',
    );
  },
};
