#!/usr/bin/env bash
# Builds the test image dbadmin-test/postgres:MAJOR from Debian's packages, for machines that cannot pull postgres:MAJOR.
#
#   test/images/build.sh 17        about a minute; nothing to do when the image of this recipe is there already
#
# Needs root, debootstrap and a running Docker. The image has the server and all client programs of the major where the
# official image has them (/usr/lib/postgresql/MAJOR/bin) and the user postgres, so one entrypoint.sh serves both.
set -euo pipefail

major=${1:?usage: build.sh MAJOR}
case $major in
  15) suite=bookworm ;;
  17) suite=trixie ;;
  18) suite=sid ;;
  *)
    echo "build.sh: no Debian suite has PostgreSQL $major; the majors are 15, 17 and 18" >&2
    exit 64
    ;;
esac

image=dbadmin-test/postgres:$major
recipe=$(sha256sum "${BASH_SOURCE[0]}" | cut -c1-16)
places=${TMPDIR:-/var/tmp}

built_already() {
  [[ $(docker image inspect --format '{{ index .Config.Labels "dbadmin.test.recipe" }}' "$image" 2>/dev/null) == "$recipe" ]]
}

built_already && exit 0
if [[ $(id -u) != 0 ]] || ! command -v debootstrap >/dev/null; then
  echo "build.sh: building $image needs root and debootstrap" >&2
  exit 1
fi

# One build at a time: two would fight for the same two cores, and the second would build what the first just did.
exec 9>"$places/dbadmin-test-image.lock"
flock 9
built_already && exit 0
rm -rf --one-file-system "$places"/dbadmin-test-image.??????

root=$(mktemp -d "$places/dbadmin-test-image.XXXXXX")
log=$root.log
chmod 755 "$root"
finish() {
  local status=$?
  if [[ $status != 0 ]]; then
    echo "build.sh: $image failed; the end of the log:" >&2
    tail -n 25 "$log" >&2 || true
  fi
  # debootstrap may leave /proc and /sys mounted in there when it is interrupted.
  umount "$root/proc" "$root/sys" 2>/dev/null || true
  rm -rf --one-file-system "$root" "$log"
}
trap finish EXIT

# The mirror that this machine's own apt uses: it is the one that can be reached.
mirror=$(apt-get indextargets 'Created-By: Packages' --format '$(SITE)' | grep -E '/debian/?$' | head -n 1)
[[ -n $mirror ]] || { echo "build.sh: apt has no Debian archive configured; run apt-get update" >"$log"; exit 1; }

echo "building $image from Debian $suite" >&2
nice debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$log" 2>&1
mkdir -p "$root/etc/postgresql-common"
echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"
nice chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
  apt-get -y -q --no-install-recommends install "postgresql-$major" "postgresql-client-$major" \
  "postgresql-$major-plpgsql-check" "postgresql-$major-pgtap" </dev/null >>"$log" 2>&1
umount "$root/proc"
rm -rf "$root"/var/cache/apt "$root"/var/lib/apt/lists "$root"/usr/share/{doc,man,locale,info} "$root"/var/log/*

version=$(chroot "$root" "/usr/lib/postgresql/$major/bin/postgres" --version | grep -oE '[0-9]+(\.[0-9]+|[a-z]+[0-9]+)' | head -n 1)

tar -C "$root" --one-file-system -c . | docker import \
  --change "LABEL dbadmin.test.recipe=$recipe dbadmin.test.suite=$suite dbadmin.test.version=$version" \
  --change "ENV PATH=/usr/lib/postgresql/$major/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PG_MAJOR=$major" \
  --change 'EXPOSE 5432' \
  - "$image" >>"$log" 2>&1
# Images of older recipes have lost their name now.
docker image prune --force --filter label=dbadmin.test.recipe >>"$log" 2>&1 || true
echo "built $image: PostgreSQL $version" >&2
