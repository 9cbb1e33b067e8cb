#!/bin/sh
# PID 1 of the virtual machine of run.sh: a host as systemd leaves it (cgroup v2 alone, no process in a cgroup that has
# children), then the command. The kernel's messages and the command's output go to the console.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
mount -t tmpfs -o size=100m,mode=1777 tmpfs /dev/shm 2> /dev/null || { mkdir /dev/shm && mount -t tmpfs -o mode=1777 tmpfs /dev/shm; }
mkdir -p /dev/pts && mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
ln -sf /proc/self/fd /dev/fd
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
ip link set lo up

# The kernel loads by itself what containers and networks need; this machine's own files may be without both.
modules=$(cat /run/vm/modules)
mkdir -p "/lib/modules/$(basename "$modules")"
mount --bind "$modules" "/lib/modules/$(basename "$modules")"
command -v modprobe > /dev/null || ln -s "$(command -v busybox)" /sbin/modprobe
modprobe -a fuse tun loop

# As systemd does it: controllers on all the way down, processes in the leaves only.
cd /sys/fs/cgroup || exit
mkdir -p init.scope system.slice user.slice
pass_on() { for each in $(cat "$1/cgroup.controllers"); do echo "+$each" > "$1/cgroup.subtree_control"; done; }
for pid in $(cat cgroup.procs); do echo "$pid" > init.scope/cgroup.procs 2> /dev/null; done
cgroup=$(cat /run/vm/cgroup)
mkdir -p "$cgroup"
for each in . system.slice user.slice; do pass_on "$each"; done
above=
for part in $(dirname "$cgroup" | tr / ' '); do
  above=$above$part/
  pass_on "$above"
done

stty -F /dev/console -onlcr 2> /dev/null
cat > /run/command << COMMAND
echo \$\$ > /sys/fs/cgroup/$cgroup/cgroup.procs
cd '$(cat /run/vm/directory)' && exec $(cat /run/vm/command)
COMMAND
setsid bash /run/command < /dev/null > /dev/console 2>&1 &
wait $!
echo $? > /run/vm/exit
sync
busybox poweroff -f
