# Runs beside PID 1 in the virtual machine: waits for the containers, kills one, shows what came of it, powers off.
wait_for() { # TEXT, in what lithos_ps says
  for _ in $(seq 60); do
    lithos_ps --no-color 2> /dev/null | grep -q "$1" && return
    sleep 0.5
  done
  echo "waited in vain for $1"
}
wait_for web.2
echo "=== three containers, PID 1 is $(cat /proc/1/comm)"
lithos_ps --no-color
echo "=== cgroup v2: what the limits became"
group=/sys/fs/cgroup/lithos.slice/app:web.0.scope
for limit in memory.max memory.swap.max cpu.weight cpu.max pids.max io.weight io.bfq.weight; do
  echo "$limit: $(cat $group/$limit 2> /dev/null || echo not in this kernel)"
done
echo "=== hardening"
lithos_ps --no-color --security app/web.0
echo "=== a fork bomb of 50 in a container that may have 20 processes"
crun --root /run/lithos/oci exec "$(ls /run/lithos/oci | head -n 1)" /bin/sh -c 'for i in $(seq 50); do sleep 3 & done; wait' 2>&1 | tail -n 2
echo "refused forks: $(cat $group/pids.events)"
echo "=== one is killed"
kill -9 "$(head -n 1 $group/cgroup.procs)"
wait_for restart
lithos_ps --no-color
echo "=== power off"
kill -PWR 1
