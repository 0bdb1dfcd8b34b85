#!/bin/bash
# First process of a test container, in our images and in the official ones: makes the cluster on the first start, then
# becomes its postmaster. What the cluster is to be lies in /dbadmin, put there before the start:
#   initdb.args  one argument of initdb a line        password  of the superuser, empty when connections are trusted
#   settings.conf  lines of postgresql.conf           pg_hba.conf  the whole file
#   files/  what else belongs into the data directory   templates/  a volume that the containers of a run share: initdb takes
#   half a second of the processor, so each kind of cluster is made once, and copied after
set -euo pipefail

bin=/usr/lib/postgresql/$PG_MAJOR/bin
export PATH=$bin:$PATH PGDATA=/var/lib/dbadmin/data LC_ALL=C
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups --inh-caps=-all -- "$@"; }

# make DIRECTORY: a cluster, in an empty directory that postgres owns.
make() { as_postgres initdb --pgdata="$1" "${arguments[@]}" >/dev/null; }

# A copy gets a system identifier of its own, as from initdb: in pg_control, under its checksum (CRC-32C, whose place is another
# in each major), and on the first page of the WAL.
give_identity() {
  perl -e '
    use strict; use warnings;
    my @table = map { my $c = $_; $c = $c & 1 ? ($c >> 1) ^ 0x82F63B78 : $c >> 1 for 1 .. 8; $c } 0 .. 255;
    sub sum { my $c = 0xFFFFFFFF; $c = $table[($c ^ $_) & 255] ^ ($c >> 8) for unpack "C*", shift; $c ^ 0xFFFFFFFF }
    my ($control, @wal) = @ARGV;
    my $identifier = pack "VV", int(rand(2 ** 32)), time;
    open my $file, "+<:raw", $control or die "$control: $!\n";
    read $file, my $bytes, 512;
    my $at = 200;
    $at += 4 while $at < 500 && sum(substr $bytes, 0, $at) != unpack "V", substr $bytes, $at, 4;
    die "there is no checksum in $control\n" if $at >= 500;
    substr $bytes, 0, 8, $identifier;
    substr $bytes, $at, 4, pack "V", sum(substr $bytes, 0, $at);
    seek $file, 0, 0 and print $file $bytes and close $file or die "$control: $!\n";
    for my $name (@wal) {
      open my $segment, "+<:raw", $name or die "$name: $!\n";
      seek $segment, 24, 0 and print $segment $identifier and close $segment or die "$name: $!\n";
    }
  ' "$PGDATA/global/pg_control" "$PGDATA"/pg_wal/0000*
}

if [[ ! -s $PGDATA/PG_VERSION ]]; then
  install -d -o postgres -g postgres -m 0700 /var/lib/dbadmin "$PGDATA"
  mapfile -t arguments </dbadmin/initdb.args
  if [[ -s /dbadmin/password ]]; then
    chown postgres /dbadmin/password
    arguments+=(--auth=scram-sha-256 --pwfile=/dbadmin/password)
  fi
  if [[ -d /dbadmin/templates ]]; then
    template=/dbadmin/templates/$PG_MAJOR-$(cat /dbadmin/initdb.args /dbadmin/password | sha256sum | cut -c1-16)
    if [[ ! -d $template ]]; then
      # Beside, then renamed: another container may make it at the same time.
      install -d -o postgres -g postgres -m 0700 "$template.$HOSTNAME"
      make "$template.$HOSTNAME"
      mv -T "$template.$HOSTNAME" "$template" 2>/dev/null || rm -rf "$template.$HOSTNAME"
    fi
    cp -a "$template/." "$PGDATA/"
    give_identity
  else
    make "$PGDATA"
  fi
  cat /dbadmin/settings.conf >>"$PGDATA/postgresql.conf"
  cat /dbadmin/pg_hba.conf >"$PGDATA/pg_hba.conf"
  if [[ -d /dbadmin/files ]]; then
    cp -R /dbadmin/files/. "$PGDATA/"
    (cd /dbadmin/files && find . -type f -print0) | (cd "$PGDATA" && xargs -0 sh -c 'chown postgres:postgres "$@"; chmod 600 "$@"' sh)
  fi
fi
cd /var/lib/dbadmin
exec setpriv --reuid=postgres --regid=postgres --init-groups --inh-caps=-all -- postgres -D "$PGDATA"
