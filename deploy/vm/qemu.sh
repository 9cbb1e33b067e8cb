# For the other scripts: a Debian kernel, unpacked, and a virtual machine that boots it.

# Prints a directory with boot/vmlinuz-* and lib/modules of Debian's kernel of this flavour (`amd64`, `cloud-amd64`); fetched once.
debian_kernel() {
  local package kept part
  package=$(apt-cache depends "linux-image-$1" | awk '/Depends:/ { print $2; exit }')
  kept=${XDG_CACHE_HOME:-$HOME/.cache}/orchestration-suite/$package
  if [ ! -d "$kept" ]; then
    mkdir -p "$(dirname "$kept")"
    part=$(mktemp -d "$kept.XXXXXX")
    (cd "$part" && apt-get download -qq "$package" 2> /dev/null && dpkg-deb -x "$package"_*.deb . && rm ./*.deb)
    busybox depmod -b "$part" "$(ls "$part/lib/modules")"
    mv "$part" "$kept"
  fi
  echo "$kept"
}

# boot KERNEL INITRAMFS MORE…: the console is our input and output; returns when the machine is off or starts anew.
# VM_ACCEL=kvm: not emulated, where KVM works.
boot() {
  local kernel=$1 initramfs=$2
  shift 2
  nice -n 10 qemu-system-x86_64 -accel "${VM_ACCEL:-tcg}" -cpu max -smp 2 -nographic -nic none -no-reboot \
    -kernel "$kernel"/boot/vmlinuz-* -initrd "$initramfs" -append "console=ttyS0 panic=-1 quiet loglevel=${VM_LOGLEVEL:-3}" "$@"
}
