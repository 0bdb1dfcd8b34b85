#!/bin/bash
# First process of a test container, in our images and in the official ones: makes the cluster on the first start, then
# becomes its postmaster. What the cluster is to be lies in /dbadmin, put there before the start:
#   initdb.args  one argument of initdb a line        password  of the superuser, empty when connections are trusted
#   settings.conf  lines of postgresql.conf           pg_hba.conf  the whole file
#   files/  what else belongs into the data directory
set -euo pipefail

bin=/usr/lib/postgresql/$PG_MAJOR/bin
export PATH=$bin:$PATH PGDATA=/var/lib/dbadmin/data LC_ALL=C
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups --inh-caps=-all -- "$@"; }

if [[ ! -s $PGDATA/PG_VERSION ]]; then
  install -d -o postgres -g postgres -m 0700 /var/lib/dbadmin "$PGDATA"
  mapfile -t arguments </dbadmin/initdb.args
  if [[ -s /dbadmin/password ]]; then
    chown postgres /dbadmin/password
    arguments+=(--auth=scram-sha-256 --pwfile=/dbadmin/password)
  fi
  as_postgres initdb --pgdata="$PGDATA" "${arguments[@]}" >/dev/null
  cat /dbadmin/settings.conf >>"$PGDATA/postgresql.conf"
  cat /dbadmin/pg_hba.conf >"$PGDATA/pg_hba.conf"
  if [[ -d /dbadmin/files ]]; then
    cp -R /dbadmin/files/. "$PGDATA/"
    (cd /dbadmin/files && find . -type f -print0) | (cd "$PGDATA" && xargs -0 sh -c 'chown postgres:postgres "$@"; chmod 600 "$@"' sh)
  fi
fi
cd /var/lib/dbadmin
exec setpriv --reuid=postgres --regid=postgres --init-groups --inh-caps=-all -- postgres -D "$PGDATA"
