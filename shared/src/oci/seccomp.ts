/**
 * The system calls a container may make: the default list of the field (moby's default.json, also podman's), as data.
 * What is not named fails with EPERM. What a capability guards comes back when the sandbox has that capability.
 */
const ALWAYS = `
accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown clock_adjtime
clock_getres clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3
epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd
eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod
fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat
fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake futimesat getcpu getcwd getdents
getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority
getrandom getresgid getresuid getrlimit get_robust_list getrusage getsid getsockname getsockopt get_thread_area
gettid gettimeofday getuid getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel
ioctl io_destroy io_getevents io_pgetevents ioprio_get ioprio_set io_setup io_submit kill landlock_add_rule
landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat listen listxattr llistxattr
lremovexattr lseek lsetxattr lstat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir
mkdirat mknod mknodat mlock mlock2 mlockall mmap mprotect mq_getsetattr mq_notify mq_open mq_timedreceive
mq_timedsend mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at
nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free
pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv
process_vm_writev pselect6 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom
recvmmsg recvmsg remap_file_pages removexattr rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction
rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler
sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp
select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto setfsgid setfsuid setgid setgroups
setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit set_robust_list setsid setsockopt
set_thread_area set_tid_address setuid setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd
signalfd4 socketpair splice stat statfs statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill
time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
timerfd_settime times tkill truncate umask uname unlink unlinkat utime utimensat utimes vfork vmsplice wait4
waitid write writev`;

const X64_ONLY = 'arch_prctl modify_ldt';

const WITH_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_BPF: 'bpf',
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_PERFMON: 'perf_event_open',
  CAP_SYSLOG: 'syslog',
  CAP_SYS_ADMIN:
    'bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare',
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module finit_module init_module',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise',
  CAP_SYS_RAWIO: 'ioperm iopl',
  CAP_SYS_TIME: 'clock_settime settimeofday',
  CAP_SYS_TTY_CONFIG: 'vhangup',
};

/** CLONE_NEW* of every namespace kind (uapi/linux/sched.h): a plain fork or thread has none of these bits. */
const CLONE_NAMESPACE_BITS = 0x7e020000;
/** PER_LINUX, PER_LINUX32, UNAME26 with each, and the query value (uapi/linux/personality.h). */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];
/** Sockets to the hypervisor's host pass by every network namespace. */
const AF_VSOCK = 40;
const EPERM = 1;
/** C libraries fall back from clone3 to clone, whose flags a filter can see, only on this answer. */
const ENOSYS = 38;

export type Architecture = 'x64' | 'arm64';

/**
 * Only the native one: each more is a filter of its own, and the three that moby names for x64 cost 9 ms of every
 * container start instead of 2. Programs of another word size are killed at their first call.
 */
const ARCHITECTURES: Readonly<Record<Architecture, string>> = {
  x64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
};

function names(text: string): string[] {
  return text.trim().split(/\s+/);
}

function allow(calls: readonly string[], ...args: readonly object[]): object {
  return { names: calls, action: 'SCMP_ACT_ALLOW', ...(args.length > 0 && { args }) };
}

function fromFlags(capabilities: ReadonlySet<string>): object[] {
  if (capabilities.has('CAP_SYS_ADMIN')) return [];
  const noNamespaces = { index: 0, value: CLONE_NAMESPACE_BITS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' };
  return [allow(['clone'], noNamespaces), { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS }];
}

/** A runtime-spec `linux.seccomp` document; a TypeError on a processor that the list was not made for. `capabilities` with their `CAP_` prefix. */
export function defaultSeccomp(capabilities: ReadonlySet<string>, architecture: Architecture): object {
  if (ARCHITECTURES[architecture] === undefined)
    throw new TypeError(`no system call list for ${architecture}`);
  const granted = [...capabilities]
    .flatMap(name => names(WITH_CAPABILITY[name] ?? ''))
    .filter(name => name !== '');
  const plain = new Set([...names(ALWAYS), ...(architecture === 'x64' ? names(X64_ONLY) : []), ...granted]);
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures: [ARCHITECTURES[architecture]],
    syscalls: [
      allow([...plain]),
      ...PERSONALITIES.map(value => allow(['personality'], { index: 0, value, op: 'SCMP_CMP_EQ' })),
      allow(['socket'], { index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }),
      ...fromFlags(capabilities),
    ],
  };
}
