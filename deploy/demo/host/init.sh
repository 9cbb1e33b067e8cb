#!/bin/sh
# PID 1 of a demo host until it becomes lithos_tree. It stands in new mount, pid, uts, ipc and network namespaces.
# stdout: its pid as the machine sees it. stdin: one line once the machine has given it its end of the veth pair.
# Environment: DEMO_HOST DEMO_ADDRESS DEMO_LINK DEMO_ROOT DEMO_DIRECTORY DEMO_IMAGES DEMO_LOGS DEMO_CGROUPS DEMO_NODE
# DEMO_TREE
set -eu
read -r pid _ </proc/self/stat
echo "pid $pid"
read -r _

# A file system of the host's own over $1, mode $2, with the directory $3 in it; the checkout stays visible when it happens to lie below.
cover() {
  stage=$DEMO_DIRECTORY/stage
  mkdir -p "$stage"
  mount -n -t tmpfs -o "nosuid,nodev,mode=$2" tmpfs "$stage"
  mkdir -p "$stage${3:-}"
  case $DEMO_ROOT/ in
    "$1"/*)
      mkdir -p "$stage${DEMO_ROOT#"$1"}"
      mount -n --bind "$DEMO_ROOT" "$stage${DEMO_ROOT#"$1"}"
      ;;
  esac
  mount -n --move "$stage" "$1"
}

for tasks in $DEMO_CGROUPS; do
  echo 0 >"$tasks"
done
exec >>"$DEMO_LOGS/console.log" 2>&1 </dev/null
mount -n -t proc -o nosuid,nodev,noexec proc /proc
cover /run 755 /mount # where mount(8) keeps a table
cover /tmp 1777
# Everything the host works with has the same path on every host and inside the containers that need it.
cover /srv 755
mkdir /srv/host /srv/images /srv/log /srv/run
mount -n --bind "$DEMO_DIRECTORY" /srv/host
mount -n --bind -o ro "$DEMO_IMAGES" /srv/images
mount -n --bind "$DEMO_LOGS" /srv/log
# crun refuses the hybrid cgroup layout; without the second hierarchy it sees a plain v1 one.
# (The size of such a file is always 0: it has to be read.)
if grep -qs . /sys/fs/cgroup/unified/cgroup.controllers; then
  umount -n /sys/fs/cgroup/unified
fi
hostname "$DEMO_HOST"
ip link set lo up
ip link set "$DEMO_LINK" name eth0
ip addr add "$DEMO_ADDRESS/24" dev eth0
ip link set eth0 up
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
  "$DEMO_NODE" "$DEMO_TREE" -C /srv/host/lithos/master.yaml
