#!/bin/sh
# guard.sh PID DIRECTORY CGROUP…: when the test PID is gone without having cleaned up, ends its tree and everything in
# its cgroups (the same in every hierarchy), and removes them and its directory. Containers outlive their supervisor, and
# these here are bombs.
pid=$1 directory=$2
shift 2
tail --pid="$pid" -f /dev/null
for _ in $(seq 20); do
  kill -9 "$(cat "$directory/run/master.pid")" 2>/dev/null
  find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null | xargs -r kill -9 2>/dev/null
  sleep 0.1
done
find "$@" -depth -type d -exec rmdir {} + 2>/dev/null
rm -rf --one-file-system "$directory"
