"""The image, other people's files, devices, and what is writable."""
import os
import shutil
import stat
import subprocess

from calls import call
from through import Through

SECRET = os.environ["SECRET_PATH"]
WORD = os.environ["SECRET_WORD"]


def write(path, text="x"):
    with open(path, "w") as file:
        file.write(text)


def read_secret(path):
    with open(path) as file:
        if WORD in file.read():
            raise Through(f"{path} has the secret")
    return "another file"


def image_write():
    write("/etc/made-by-the-container")


def image_remove():
    os.unlink("/etc/hosts.image")


def image_mode():
    os.chmod("/suid-in-image", 0o6777)


def dot_dot():
    return read_secret("/" + "../" * 30 + SECRET)


def volume_link():
    """The link was put there from outside and names a file of the host."""
    return read_secret("/data/link-to-secret")


def proc_root():
    return read_secret("/proc/1/root" + SECRET)


def proc_cwd():
    return read_secret("/proc/1/cwd" + SECRET)


def hard_link():
    """To a file on the same file system of the host, but in another mount."""
    os.link("/usr/bin/env", "/data/hard-link")


def suid_gain(path):
    """`id` with the set-uid bit and root as its owner, made outside."""
    said = subprocess.run([path, "-u"], capture_output=True, text=True).stdout.strip()
    own = str(os.getuid())
    if said != own:
        raise Through(f"became {said}")
    return f"ran as {own}" if own != "0" else "was uid 0 before, and without capabilities still"


def suid_volume():
    return suid_gain("/data/suid")


def suid_image():
    return suid_gain("/suid-in-image")


def suid_own():
    """A program of one's own that one makes set-uid and set-gid."""
    shutil.copy("/usr/bin/id", "/cache/id")
    os.chmod("/cache/id", 0o6755)
    return suid_gain("/cache/id")


def make_device():
    os.mknod("/cache/disk", stat.S_IFBLK | 0o666, os.makedev(*map(int, os.environ["DISK"].split(":"))))


def make_memory():
    os.mknod("/cache/mem", stat.S_IFCHR | 0o666, os.makedev(1, 1))


def open_volume_device():
    with open("/data/disk", "rb") as file:
        file.read(512)


def open_image_device():
    with open("/disk-in-image", "rb") as file:
        file.read(512)


def fill(path):
    with open(path, "wb", buffering=0) as file:
        for _ in range(1024):
            file.write(b"x" * 1048576)


def fill_shm():
    fill("/dev/shm/full")


def fill_dev():
    fill("/dev/full-of-it")


def fill_tmpfs():
    fill("/cache/full")


def open_by_handle():
    """Needs no path: the file system's number of a file is enough (the shocker exploit)."""
    call("open_by_handle_at", os.open("/data", os.O_RDONLY), (8).to_bytes(4, "little") + (1).to_bytes(4, "little") + (2).to_bytes(8, "little"), os.O_RDONLY)


def own_limits():
    """The files of our own cgroup, were they to be found."""
    found = [os.path.join(where, name) for where, _, names in os.walk("/sys/fs/cgroup") for name in names]
    for path in found:
        if path.endswith(("cgroup.procs", "tasks", "memory.limit_in_bytes", "pids.max", "release_agent")):
            write(path, "0")
    return f"no cgroup file to be seen ({len(found)})"


ATTEMPTS = {
    "write into the image": image_write,
    "remove a file of the image": image_remove,
    "chmod u+s in the image": image_mode,
    "host file through ..": dot_dot,
    "host file by a link in a volume": volume_link,
    "host file by /proc/1/root": proc_root,
    "host file by /proc/1/cwd": proc_cwd,
    "hard link from another mount": hard_link,
    "set-uid program in a volume": suid_volume,
    "set-uid program in the image": suid_image,
    "set-uid program of its own": suid_own,
    "mknod of a disk": make_device,
    "mknod of /dev/mem": make_memory,
    "disk node in a volume": open_volume_device,
    "disk node in the image": open_image_device,
    "fill /dev/shm": fill_shm,
    "fill /dev": fill_dev,
    "fill a tmpfs volume": fill_tmpfs,
    "open_by_handle_at": open_by_handle,
    "write cgroup files and release_agent": own_limits,
}
