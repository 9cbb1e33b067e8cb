#!/usr/bin/env bash
# Runs a command in a virtual machine that has the files of this one and cgroup v2 only; see README.md.
# Usage: run.sh [--cgroup PATH] COMMAND…      Ends with the exit code of COMMAND, 125 when the machine died before it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
suite=$(cd "$here/../.." && pwd)
. "$here/qemu.sh"
cgroup=user.slice/user-0.slice/session-1.scope
if [ "${1:-}" = --cgroup ]; then
  cgroup=$2
  shift 2
fi
[ $# -gt 0 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kernel=$(debian_kernel amd64)
modules=$(echo "$kernel"/lib/modules/*)

# As little as it needs to reach the files of the host: busybox and the modules for that.
root=$work/root
mkdir -p "$root"/{bin,proc,sys,dev,lower,upper,new,lib/modules/"$(basename "$modules")"}
cp "$(command -v busybox)" "$root/bin/busybox"
for module in virtio_pci virtio_blk ext4 crc32c_generic 9p 9pnet_virtio overlay; do
  grep -E "(^|/)$module\.ko:" "$modules/modules.dep" | tr -d : | tr ' ' '\n'
done | sort -u | (cd "$modules" && xargs cp --parents -t "$root/lib/modules/$(basename "$modules")")
busybox depmod -b "$root" "$(basename "$modules")"
cp "$here/initramfs.sh" "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet) > "$work/initramfs"

# What is written in there goes to a disk of its own: containers are overlays, and not every file system can be an upper layer.
truncate -s "${VM_DISK_SIZE:-12G}" "$work/disk"
mkfs.ext4 -q -O ^has_journal "$work/disk"
mkdir "$work/share"
printf '%q ' "$@" > "$work/share/command"
echo "$suite" > "$work/share/directory"
echo "$cgroup" > "$work/share/cgroup"
echo "$modules" > "$work/share/modules"
boot "$kernel" "$work/initramfs" -m "${VM_MEMORY_MIB:-6000}" \
  -drive "file=$work/disk,format=raw,if=virtio,cache=unsafe" \
  -virtfs local,path=/,mount_tag=host,security_model=passthrough,readonly=on,multidevs=remap \
  -virtfs "local,path=$work/share,mount_tag=share,security_model=none" < /dev/null
exit "$(cat "$work/share/exit" 2> /dev/null || echo 125)"
