#!/bin/busybox sh
# First program of the virtual machine of run.sh: makes a root directory of the host's files below a layer on the disk.
set -e
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
modprobe -a virtio_pci virtio_blk crc32c_generic ext4 9p 9pnet_virtio overlay
share=trans=virtio,version=9p2000.L,msize=512000
# Nobody there changes the host's files, so what was read once may be kept.
mount -t 9p -o "ro,cache=loose,$share" host /lower
mount -t ext4 -o discard /dev/vda /upper
mkdir -p /upper/root /upper/work /upper/tmp /upper/vartmp
chmod 1777 /upper/tmp /upper/vartmp
mount -t overlay overlay -o lowerdir=/lower,upperdir=/upper/root,workdir=/upper/work /new
mkdir /whole
mount --bind /new /whole
mount --bind /upper/tmp /new/tmp
mount --bind /upper/vartmp /new/var/tmp
for each in proc sys dev; do mount --move /$each /new/$each; done
mount -t tmpfs -o mode=755 tmpfs /new/run
mkdir /new/run/vm
mount -t 9p -o "rw,cache=none,$share" share /new/run/vm
# A checkout in /tmp has just been covered.
checkout=$(cat /new/run/vm/directory)
[ -e "/new$checkout" ] || { mkdir -p "/new$checkout" && mount --bind "/whole$checkout" "/new$checkout"; }
exec switch_root /new /bin/sh "$checkout/deploy/vm/guest.sh"
