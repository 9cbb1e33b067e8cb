// Names, namespaces and id maps.
import { readlinkSync } from 'node:fs';
import { type Idea, NEW } from './case.ts';

const ids = (...kinds: string[]) => `for n in ${kinds.join(' ')}; do readlink /proc/self/ns/$n; done`;

export const NAMESPACES: Record<string, Idea> = {
  hostname: async (t, each) => {
    t.equal(await each.run(t, 'uname -n', { hostname: 'named' }), 'named\n');
  },
  'linux_ns_nopath: new ones': async (t, each) => {
    const kinds = ['pid', 'net', 'mnt', 'ipc', 'uts'];
    const seen = (await each.run(t, ids(...kinds))).trim().split('\n');
    t.equal(seen.length, kinds.length);
    for (const [index, kind] of kinds.entries())
      t.not(seen[index], readlinkSync(`/proc/self/ns/${kind}`), kind);
  },
  'linux_ns_itype: those of the host where none is asked for': async (t, each) => {
    const kinds = ['pid', 'net', 'ipc', 'uts', 'user'];
    const namespaces = { pid: 'host', network: 'host', mount: 'new', ipc: 'host', uts: 'host' } as const;
    t.equal(
      await each.run(t, ids(...kinds), { namespaces }),
      kinds.map(kind => `${readlinkSync(`/proc/self/ns/${kind}`)}\n`).join(''),
    );
  },
  'linux_ns_path: joins one that exists': async (t, each) => {
    const namespaces = { ...NEW, network: { path: `/proc/${process.pid}/ns/net` } };
    t.equal(await each.run(t, ids('net'), { namespaces }), `${readlinkSync('/proc/self/ns/net')}\n`);
  },
  'linux_uid_mappings, linux_gid_mappings: several ranges': async (t, each) => {
    const user = {
      uidMappings: [
        { inside: 0, outside: 100_000, count: 10 },
        { inside: 1000, outside: 200_000, count: 5 },
      ],
      gidMappings: [{ inside: 0, outside: 300_000, count: 2000 }],
    };
    const seen = await each.run(t, 'cat /proc/self/uid_map /proc/self/gid_map | tr -s " "; id -u; id -g', {
      namespaces: { ...NEW, user },
      uid: 1000,
      gid: 1000,
    });
    t.equal(seen, ' 0 100000 10\n 1000 200000 5\n 0 300000 2000\n1000\n1000\n');
  },
};
