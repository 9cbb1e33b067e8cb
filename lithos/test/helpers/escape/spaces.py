"""Namespaces, mounts, other processes, identities."""
import ctypes
import os
import signal
import socket
import struct

from calls import address, buffer, call
from through import Through

VICTIM = int(os.environ["VICTIM_PID"])
MONITOR = int(os.environ["MONITOR_PID"])
NEWNS, NEWUSER, NEWPID, NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000
BIND, REMOUNT = 0x1000, 0x20


def clone_user():
    child = call("clone", NEWUSER | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)


def clone3_user():
    arguments = buffer(88)
    arguments[0:8] = NEWUSER.to_bytes(8, "little")
    arguments[32:40] = int(signal.SIGCHLD).to_bytes(8, "little")
    if call("clone3", arguments, 88) == 0:
        os._exit(0)


def join(kind):
    def attempt():
        call("setns", os.open(f"/proc/1/ns/{kind}", os.O_RDONLY), 0)

    return attempt


def chroot_climb():
    """A directory open outside of the new root, and then up: works for whoever may chroot."""
    here = os.open("/", os.O_RDONLY)
    call("chroot", b"/data")
    os.fchdir(here)
    for _ in range(30):
        os.chdir("..")


def signal_host(pid):
    def attempt():
        os.kill(pid, 0)

    return attempt


def signal_all():
    """Everybody one may signal: in a pid namespace that ends at its own init. Signal 0 only counts."""
    others = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    os.kill(-1, 0)
    if VICTIM in others and VICTIM > 1000:
        raise Through("the host's processes are to be seen")
    return f"{len(others)} processes to be seen, all its own"


def trace_host():
    # PTRACE_SEIZE
    call("ptrace", 0x4206, VICTIM, 0, 0)


def read_host_memory():
    into = buffer(16)
    vector = struct.pack("LL", address(into), 16)
    call("process_vm_readv", VICTIM, vector, 1, vector, 1, 0)


def host_memory_file():
    with open(f"/proc/{VICTIM}/mem", "rb") as file:
        file.read(1)


def host_descriptor():
    call("pidfd_getfd", call("pidfd_open", VICTIM, 0), 0, 0)


def become(uid):
    def attempt():
        if os.getuid() == uid:
            raise PermissionError(1, "it is already")
        os.setresuid(uid, uid, uid)

    return attempt


def join_groups():
    os.setgroups([0, 4, 6])


def raise_capability():
    # PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN
    if ctypes.CDLL(None, use_errno=True).prctl(47, 2, 21, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def set_capabilities():
    header = struct.pack("II", 0x20080522, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, struct.pack("6I", *[0xFFFFFFFF] * 6)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def write_map():
    with open("/proc/self/uid_map", "w") as file:
        file.write("0 0 4294967295")


def spare_from_oom():
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000")


def push_terminal():
    """Types into the terminal of whoever started us."""
    import fcntl

    fcntl.ioctl(0, 0x5412, b"x")


def leaked_descriptors():
    names = {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")}
    own = {name for name in names.values() if name.startswith(("pipe:", "/dev/null", "/proc/"))}
    foreign = set(names.values()) - own
    if foreign:
        raise Through(f"open: {sorted(foreign)}")
    return f"nothing but its own output ({len(names)})"


def shared_memory():
    """A segment of System V shared memory that was made outside with this key."""
    call("shmget", int(os.environ["SHM_KEY"]), 1, 0)


def raw_socket():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


def packet_socket():
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW)


def configure_network():
    """RTM_NEWADDR: 10.99.99.99 on the loopback interface."""
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    body = struct.pack("BBBBI", socket.AF_INET, 32, 0, 0, 1) + struct.pack("HH4s", 8, 2, bytes([10, 99, 99, 99]))
    netlink.send(struct.pack("IHHII", 16 + len(body), 20, 0x605, 1, 0) + body)
    code = struct.unpack("i", netlink.recv(4096)[16:20])[0]
    if code < 0:
        raise OSError(-code, "netlink")


ATTEMPTS = {
    "mount a tmpfs": lambda: call("mount", b"none", b"/cache", b"tmpfs", 0, 0),
    "mount a cgroup hierarchy": lambda: call("mount", b"none", b"/cache", b"cgroup", 0, b"pids"),
    "remount / writable": lambda: call("mount", b"none", b"/", 0, REMOUNT | BIND, 0),
    "remount /proc/sys writable": lambda: call("mount", b"none", b"/proc/sys", 0, REMOUNT | BIND, 0),
    "unmount what hides /proc/kcore": lambda: call("umount2", b"/proc/kcore", 2),
    "fsopen": lambda: call("fsopen", b"tmpfs", 0),
    "open_tree": lambda: call("open_tree", -100, b"/", 1),
    "move_mount": lambda: call("move_mount", -100, b"/data", -100, b"/cache", 0),
    "mount_setattr": lambda: call("mount_setattr", -100, b"/", 0, buffer(32), 32),
    "pivot_root": lambda: call("pivot_root", b"/data", b"/data"),
    "chroot and climb": chroot_climb,
    "unshare(CLONE_NEWUSER)": lambda: call("unshare", NEWUSER),
    "unshare(CLONE_NEWNS)": lambda: call("unshare", NEWNS),
    "unshare(CLONE_NEWNET)": lambda: call("unshare", NEWNET),
    "clone(CLONE_NEWUSER)": clone_user,
    "clone3(CLONE_NEWUSER)": clone3_user,
    "setns to the init's mounts": join("mnt"),
    "setns to the init's user": join("user"),
    "signal to a host process": signal_host(VICTIM),
    "signal to its own monitor": signal_host(MONITOR),
    "kill(-1)": signal_all,
    "ptrace of a host process": trace_host,
    "process_vm_readv of a host process": read_host_memory,
    "/proc/PID/mem of a host process": host_memory_file,
    "pidfd_getfd from a host process": host_descriptor,
    "become root": become(0),
    "become another user": become(1234),
    "join groups": join_groups,
    "raise an ambient capability": raise_capability,
    "capset": set_capabilities,
    "write its uid_map": write_map,
    "leave the reach of the OOM killer": spare_from_oom,
    "TIOCSTI": push_terminal,
    "leaked descriptors": leaked_descriptors,
    "System V memory of the host": shared_memory,
    "raw socket": raw_socket,
    "AF_PACKET": packet_socket,
    "configure an interface": configure_network,
}
