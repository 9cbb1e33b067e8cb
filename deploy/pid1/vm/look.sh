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
for limit in memory.max memory.swap.max cpu.weight cpu.max pids.max; do
  echo "$limit: $(cat $group/$limit)"
done
echo "=== one is killed"
kill -9 "$(head -n 1 $group/cgroup.procs)"
wait_for restart
lithos_ps --no-color
echo "=== power off"
kill -PWR 1
