// Debian packages the suite needs, each with the program or file that proves it is there.
// Groups: `demo` = npm start, `test` = npm test, `bench` = peers that only the benchmarks compare with.
export const SYSTEM_PACKAGES = [
  { package: 'crun', program: 'crun', groups: ['demo', 'test'] },
  { package: 'runc', program: 'runc', groups: ['demo', 'test'] },
  { package: 'conmon', program: 'conmon', groups: ['demo', 'test'] },
  { package: 'catatonit', program: 'catatonit', groups: ['demo', 'test'] },
  { package: 'mmdebstrap', program: 'mmdebstrap', groups: ['demo', 'test'] },
  { package: 'iproute2', program: 'ip', groups: ['demo', 'test'] },
  { package: 'nftables', program: 'nft', groups: ['demo', 'test'] },
  { package: 'util-linux', program: 'nsenter', groups: ['demo', 'test'] },
  { package: 'uidmap', program: 'newuidmap', groups: ['test'] },
  { package: 'python3', program: 'python3', groups: ['test'] },
  { package: 'strace', program: 'strace', groups: ['test'] },
  { package: 'openssh-client', program: 'ssh-keygen', groups: ['test'] },
  { package: 'chromium', program: 'chromium', groups: ['test'] },
  { package: 'podman', program: 'podman', groups: ['bench'] },
  { package: 'bubblewrap', program: 'bwrap', groups: ['bench'] },
  { package: 'runit', program: 'runsvdir', groups: ['bench'] },
  { package: 's6', program: 's6-svscan', groups: ['bench'] },
  { package: 'supervisor', program: 'supervisord', groups: ['bench'] },
  { package: 'procps', program: 'ps', groups: ['test', 'bench'] },
  { package: 'busybox-static', file: '/bin/busybox', groups: ['test', 'bench'] },
];
