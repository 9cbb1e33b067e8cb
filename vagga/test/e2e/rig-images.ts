// A project whose container has everything that an image can hold and that archives write in different ways.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pax, tar } from '../archives/make.ts';
import { Layout } from '../archives/oci.ts';
import { Rig } from './rig.ts';

/** bind(2) to small ports. */
const CAPABILITY = '\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0';
/** Version 2 of xattr(7)'s access list: owner, one more user, group, mask, others. */
function accessList(uid: number): string {
  const entries = [
    [1, 6, 0],
    [2, 4, uid],
    [4, 4, 0],
    [16, 6, 0],
    [32, 0, 0],
  ] as const;
  const bytes = Buffer.alloc(4 + 8 * entries.length);
  bytes.writeUInt32LE(2, 0);
  for (const [index, [tag, rights, id]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + 8 * index);
    bytes.writeUInt16LE(rights, 6 + 8 * index);
    bytes.writeInt32LE(id, 8 + 8 * index);
  }
  return bytes.toString('latin1');
}
const LONG = `${'directory-'.repeat(9)}/${'file-'.repeat(30)}`;

export const IMAGE_CONFIG = `containers:
  c:
    image-cache-url: "./pushed/\${container_name}.\${short_hash}.tar.xz"
    environ: {LANG: C.UTF-8}
    setup:
    - !OciImage {layout: ./base}
    - !Sh |
        /bin/busybox rm /etc/removed
        /bin/busybox rm -r /etc/hidden && /bin/busybox mkdir /etc/hidden && echo new >/etc/hidden/new
        echo data >/etc/owned && /bin/busybox chown 12:34 /etc/owned && /bin/busybox chmod 4750 /etc/owned
        /bin/busybox ln -s ../bin/busybox /etc/link && /bin/busybox ln /etc/owned /etc/twin
        /bin/busybox mkfifo /etc/pipe && /bin/busybox chown -h 5:6 /etc/link
        /bin/busybox mkdir -p /'${LONG.split('/')[0]}' && echo long >/'${LONG}'
        echo umlaut >'/etc/gr\\u00fcn' && echo minus >/etc/-x
        /bin/busybox touch -d '2001-02-03 04:05:06' /etc/owned
    - !Sh "echo second >/second"
`;

export function imageProject(as: 'root' | 'user' = 'root'): Rig {
  const rig = new Rig({ as });
  const layout = new Layout(join(rig.root, 'base'));
  const base = tar(
    { name: 'bin/', type: '5', mode: 0o755 },
    { name: 'bin/busybox', mode: 0o755, data: readFileSync('/bin/busybox') },
    { name: 'bin/sh', type: '1', target: 'bin/busybox' },
    { name: 'etc/', type: '5', mode: 0o755 },
    { name: 'etc/removed', data: 'x' },
    { name: 'etc/hidden/old', data: 'x' },
    pax({ 'SCHILY.xattr.security.capability': CAPABILITY, 'SCHILY.xattr.user.note': 'kept' }),
    { name: 'bin/capable', mode: 0o755, data: 'x' },
    pax({ 'SCHILY.xattr.system.posix_acl_access': accessList(12) }),
    { name: 'etc/shared', mode: 0o660, data: 'x' },
    { name: 'dev/', type: '5', mode: 0o755 },
    {
      name: 'dev/null',
      type: '3',
      mode: 0o666,
      twist: header => header.write('0000001\x000000003\0', 329, 'latin1'),
    },
  );
  layout.index({ layers: [base] });
  rig.write('vagga.yaml', IMAGE_CONFIG);
  return rig;
}
