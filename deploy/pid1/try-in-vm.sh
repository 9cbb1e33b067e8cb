#!/usr/bin/env bash
# Boots a virtual machine whose PID 1 is this checkout's lithos_tree; see README.md. Usage: try-in-vm.sh [SCRIPT]
# SCRIPT (a shell script, sourced in the background a few seconds after the start) replaces what is looked at.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
suite=$(cd "$here/../.." && pwd)
. "$here/../vm/qemu.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

# A program with the libraries it needs, at the same paths.
add() {
  local name program library
  for name in "$@"; do
    program=$(command -v "$name")
    for library in "$program" $(ldd "$program" 2> /dev/null | grep -o '/[^ ]*' || true); do
      mkdir -p "$root$(dirname "$library")" "$root$(dirname "$(readlink -f "$library")")"
      cp -n "$(readlink -f "$library")" "$root$library"
    done
  done
}

mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,root,proc,sys,dev,run,tmp,opt/suite/node_modules/@koromix,opt/suite/shared}
mkdir -p "$root"/etc/lithos/{sandboxes,processes,boot.d} "$root"/var/{log,lib/lithos/containers/tiny}
add node crun conmon catatonit busybox unshare nsenter
cp -n "$(command -v busybox)" "$root/bin/busybox"
for applet in $(busybox --list); do [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"; done
cp -a "$suite/shared/bin" "$root/opt/suite/shared/"
mkdir "$root/opt/suite/lithos"
cp -a "$suite"/lithos/{bin,dist,package.json} "$root/opt/suite/lithos/"
rm -rf "$root/opt/suite/lithos/dist/test"
cp -aL "$suite/node_modules/koffi" "$root/opt/suite/node_modules/"
cp -aL "$suite/node_modules/@koromix/"* "$root/opt/suite/node_modules/@koromix/"
for command in "$root"/opt/suite/lithos/bin/*.cjs; do
  name=$(basename "$command" .cjs)
  printf '#!/bin/sh\nexec node /opt/suite/lithos/bin/%s.cjs "$@"\n' "$name" > "$root/usr/bin/$name"
  chmod +x "$root/usr/bin/$name"
done

echo 'root:x:0:0::/root:/bin/sh' > "$root/etc/passwd"
echo 'root:x:0:' > "$root/etc/group"
echo '127.0.0.1 localhost' > "$root/etc/hosts"
touch "$root/etc/resolv.conf" "$root/etc/lithos/master.yaml"
printf 'allow-users: [0, 1000]\nallow-groups: [0]\ndefault-user: 1000\n' > "$root/etc/lithos/sandboxes/app.yaml"
echo 'web: {image: tiny, config: /config/web.yaml, instances: 3}' > "$root/etc/lithos/processes/app.yaml"
image=$root/var/lib/lithos/containers/tiny
mkdir -p "$image"/{bin,etc,dev,proc,sys,tmp,config}
cp "$root/bin/busybox" "$image/bin/"
for applet in sh sleep cat; do ln -s busybox "$image/bin/$applet"; done
cp "$here/vm/web.yaml" "$image/config/web.yaml"
cp "$here/init.sh" "$root/sbin/lithos-init"
cp "${1:-$here/vm/look.sh}" "$root/etc/lithos/look.sh"
# A shell of its own, so that what it does is not what PID 1 does.
echo 'sh /etc/lithos/look.sh < /dev/null > /dev/console 2>&1 &' > "$root/etc/lithos/boot.d/look.sh"
# The first root of a kernel cannot be pivoted away from, which every container runtime does: move to a second one.
cat > "$root/init" << 'INIT'
#!/bin/sh
mkdir /second && mount -t tmpfs -o size=900m tmpfs /second
for name in bin sbin usr etc var lib lib64 opt root proc sys dev run tmp; do [ -e /$name ] && cp -a /$name /second/; done
exec switch_root /second /sbin/lithos-init
INIT
chmod +x "$root/init" "$root/sbin/lithos-init"
(cd "$root" && find . | cpio -o -H newc --quiet) > "$work/initramfs"

boot "$(debian_kernel cloud-amd64)" "$work/initramfs" -m 2500
