"""The kernel's own settings and its rarer system calls."""
import ctypes
import mmap
import os
import platform
import resource
import socket

from calls import address, buffer, call
from through import Through


def write(path, text):
    def attempt():
        with open(path, "w") as file:
            file.write(text)

    return attempt


def read_hidden(path):
    def attempt():
        with open(path, "rb") as file:
            if file.read(64):
                raise Through(f"{path} can be read")
        return "empty: hidden"

    return attempt


def bpf():
    call("bpf", 0, buffer(128), 128)


def perf():
    attributes = buffer(128)
    attributes[4:8] = (128).to_bytes(4, "little")
    call("perf_event_open", attributes, -1, 0, -1, 0)


def keyring():
    call("add_key", b"user", b"escape", b"secret", 6, -3)


def set_clock():
    call("clock_settime", 0, (1).to_bytes(8, "little") * 2)


def slew_clock():
    # ADJ_FREQUENCY with a value that changes nothing much, were it allowed.
    modes = buffer(256)
    modes[0:4] = (2).to_bytes(4, "little")
    call("adjtimex", modes)


def io_ports():
    if platform.machine() != "x86_64":
        return "no such call on this processor"
    call("iopl", 3)


def personality():
    # ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC
    call("personality", 0x0440000)


def old_calls():
    """32-bit system calls pass by a filter that only knows the 64-bit ones."""
    if platform.machine() != "x86_64":
        return "no such calls on this processor"
    # mov eax, 20 (getpid of i386); int 0x80; ret
    code = bytes.fromhex("b814000000cd80c3")
    memory = mmap.mmap(-1, len(code), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(code)
    entry = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    ctypes.CFUNCTYPE(ctypes.c_int)(entry)()


def x32_calls():
    if platform.machine() != "x86_64":
        return "no such calls on this processor"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(0x40000000 + 39)) < 0:
        raise OSError(ctypes.get_errno(), "x32")


def raise_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard + 1, hard + 1))
    except ValueError:
        return "EPERM"


def nice():
    os.setpriority(os.PRIO_PROCESS, 0, -20)


def real_time():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))


def vsock():
    socket.socket(40, socket.SOCK_STREAM)


ATTEMPTS = {
    "core_pattern": write("/proc/sys/kernel/core_pattern", "|/bin/sh"),
    "modprobe path": write("/proc/sys/kernel/modprobe", "/data/x"),
    "sysrq-trigger": write("/proc/sysrq-trigger", "h"),
    "write to /sys": write("/sys/kernel/uevent_helper" if os.path.exists("/sys/kernel/uevent_helper") else "/sys/kernel/mm/ksm/run", "0"),
    "panic setting": write("/proc/sys/kernel/panic", "1"),
    "/proc/kcore": read_hidden("/proc/kcore"),
    "/proc/keys": read_hidden("/proc/keys"),
    "/proc/timer_list": read_hidden("/proc/timer_list"),
    "/dev/kmsg": read_hidden("/dev/kmsg"),
    "/dev/mem": read_hidden("/dev/mem"),
    "kernel log by syslog(2)": lambda: call("syslog", 3, buffer(4096), 4096),
    "bpf": bpf,
    "perf_event_open": perf,
    "userfaultfd": lambda: call("userfaultfd", 1),
    "io_uring_setup": lambda: call("io_uring_setup", 1, buffer(256)),
    "add_key": keyring,
    "keyctl": lambda: call("keyctl", 1, b"escape"),
    "request_key": lambda: call("request_key", b"user", b"escape", b"x", -3),
    "kexec_load": lambda: call("kexec_load", 0, 0, 0, 0),
    "init_module": lambda: call("init_module", b"x" * 64, 64, b""),
    "finit_module": lambda: call("finit_module", os.open("/cache/module", os.O_CREAT | os.O_RDWR), b"", 0),
    "swapon": lambda: call("swapon", b"/data/swap", 0),
    "settimeofday": lambda: call("settimeofday", (1).to_bytes(8, "little") * 2, 0),
    "clock_settime": set_clock,
    "adjtimex": slew_clock,
    "sethostname": lambda: call("sethostname", b"escaped", 7),
    "setdomainname": lambda: call("setdomainname", b"escaped", 7),
    # RB_DISABLE_CAD: the harmless one of them.
    "reboot": lambda: call("reboot", 0xFEE1DEAD, 672274793, 0, 0),
    "iopl": io_ports,
    "personality": personality,
    "quotactl": lambda: call("quotactl", 0x80000100, b"/data/disk", 0, address(buffer(64))),
    "acct": lambda: call("acct", b"/data/acct"),
    "fanotify_init": lambda: call("fanotify_init", 0, 0),
    "lookup_dcookie": lambda: call("lookup_dcookie", 0, buffer(64), 64),
    "vhangup": lambda: call("vhangup"),
    "int 0x80": old_calls,
    "x32 system calls": x32_calls,
    "raise an rlimit": raise_limit,
    "nice -20": nice,
    "SCHED_FIFO": real_time,
    "AF_VSOCK": vsock,
}
