#!/bin/sh
# /sbin/init of a machine or virtual machine whose PID 1 is lithos_tree: mounts what a kernel leaves to user space, then
# becomes the supervisor. Nothing else runs beside it, so whatever the machine needs (udev, sshd, a getty, DHCP) is a
# sandbox like every other. Give more steps in /etc/lithos/boot.d/*.sh: modules, disks, the network.
set -u
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

# A directory may be mounted already (an initramfs, a container): what is there stays.
mounted() { grep -qs " $1 " /proc/mounts; }
mount_once() { # TARGET TYPE OPTIONS
  mkdir -p "$1"
  mounted "$1" || mount -t "$2" -o "$3" "$2" "$1"
}

mkdir -p /proc && { [ -e /proc/mounts ] || mount -t proc -o nosuid,nodev,noexec proc /proc; }
mount_once /sys sysfs nosuid,nodev,noexec
mount_once /dev devtmpfs mode=0755,nosuid
mount_once /dev/pts devpts nosuid,noexec,gid=5,mode=0620,ptmxmode=0666
mount_once /dev/shm tmpfs nosuid,nodev,mode=1777
mount_once /run tmpfs nosuid,nodev,mode=0755
mount_once /sys/fs/cgroup cgroup2 nosuid,nodev,noexec

# crun and runc turn on controllers below the root, but only those the root passes on.
if [ -w /sys/fs/cgroup/cgroup.subtree_control ]; then
  for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
    echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control || true
  done
fi

# Ctrl-Alt-Del asks PID 1 (SIGINT, an orderly reboot) instead of resetting the machine at once.
[ -w /proc/sys/kernel/ctrl-alt-del ] && echo 0 > /proc/sys/kernel/ctrl-alt-del
[ -s /etc/hostname ] && cat /etc/hostname > /proc/sys/kernel/hostname
command -v ip > /dev/null && ip link set lo up
[ -e /etc/fstab ] && { mount -o remount,rw / 2> /dev/null; mount -a; }
for step in /etc/lithos/boot.d/*.sh; do
  # A shell of its own: what ends that must not end this one, or the kernel panics.
  [ -r "$step" ] && { sh "$step" || echo "$step failed"; }
done

# An exec that fails would be the end of PID 1, and so of the machine.
command -v lithos_tree > /dev/null || { echo "lithos_tree is not in $PATH: a shell instead"; exec sh; }
exec lithos_tree -C "${LITHOS_MASTER:-/etc/lithos/master.yaml}"
