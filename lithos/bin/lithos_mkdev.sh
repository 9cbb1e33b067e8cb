#!/bin/sh
# lithos_mkdev DIR: a directory that can stand in for /dev in a container of other tools (lithos itself needs none: its
# runtime makes /dev). Six harmless character devices, the links and directories that programs expect.
# Exit codes: 0 made, 1 no DIR, something there already, or not root.
set -eu

case ${1:-} in
  -h | --help)
    echo "Usage: lithos_mkdev DIR"
    echo "Makes DIR with the devices, links and directories of a minimal /dev. Needs root."
    exit 0
    ;;
  --version)
    package=$(dirname "$(readlink -f "$0")")/../package.json
    echo "lithos_mkdev $(sed -n 's/^ *"version": "\(.*\)",$/\1/p' "$package")"
    exit 0
    ;;
  -*)
    echo "lithos_mkdev: unknown option $1" >&2
    set --
    ;;
esac
if [ $# -ne 1 ] || [ -z "$1" ]; then
  echo "Usage: lithos_mkdev DIR" >&2
  exit 1
fi
dir=$1
mkdir -p "$dir"

device() { # NAME MAJOR MINOR
  mknod -m 666 "$dir/$1" c "$2" "$3"
}
link() { # TARGET NAME; not ln -s alone, which would put it into a directory of that name
  if [ -e "$dir/$2" ] || [ -L "$dir/$2" ]; then
    echo "lithos_mkdev: $dir/$2 exists already" >&2
    exit 1
  fi
  ln -s "$1" "$dir/$2"
}

device null 1 3
device zero 1 5
device full 1 7
device random 1 8
device urandom 1 9
device tty 5 0
mkdir "$dir/pts" "$dir/shm"
link pts/ptmx ptmx
link /proc/self/fd fd
link /proc/self/fd/0 stdin
link /proc/self/fd/1 stdout
link /proc/self/fd/2 stderr
