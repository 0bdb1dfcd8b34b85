#!/usr/bin/env bash
# Lays down a root directory with the benchmark's peers: PostgreSQL 18 and pgBackRest, both as new as Debian sid has them.
#
#   test/bench/backup/build-peers.sh DIRECTORY        about a minute
#
# Needs root and debootstrap. Inside, DIRECTORY's own path leads to its root again, so one path names the same file for
# programs inside and outside.
set -euo pipefail

root=${1:?usage: build-peers.sh DIRECTORY}
if [[ $(id -u) != 0 ]] || ! command -v debootstrap >/dev/null; then
  echo 'build-peers.sh: needs root and debootstrap (apt-get install debootstrap)' >&2
  exit 1
fi
log=$root.log
mkdir -p "$root"
chmod 755 "$root"
finish() {
  local status=$?
  umount "$root/proc" "$root/sys" 2>/dev/null || true
  if [[ $status != 0 ]]; then
    echo 'build-peers.sh: failed; the end of the log:' >&2
    tail -n 25 "$log" >&2 || true
    rm -rf --one-file-system "$root"
  fi
  rm -f "$log"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The mirror that this machine's own apt uses: it is the one that can be reached.
mirror=$(apt-get indextargets 'Created-By: Packages' --format '$(SITE)' | grep -E '/debian/?$' | head -n 1)
[[ -n $mirror ]] || { echo 'apt has no Debian archive configured; run apt-get update' >"$log"; exit 1; }

debootstrap --variant=minbase sid "$root" "$mirror" >"$log" 2>&1
mkdir -p "$root/etc/postgresql-common"
echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"
chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
  apt-get -y -q --no-install-recommends install postgresql-18 postgresql-client-18 pgbackrest </dev/null >>"$log" 2>&1
umount "$root/proc"
rm -rf "$root"/var/cache/apt "$root"/var/lib/apt/lists
mkdir -p "$root$(dirname "$root")"
ln -s / "$root$root"
touch "$root/peers-are-built"
