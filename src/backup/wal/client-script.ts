import { DbadminError } from '../../base/errors.ts';
import { shellQuote } from '../../base/shell-word.ts';

export interface ClientScript {
  readonly socketPath: string;
  readonly clusterName: string;
  /** How dbadmin itself is started where the socket is not served: words, each quoted when it is written down. */
  readonly dbadmin: readonly string[];
  /** Options of the project, `--config` and the like. */
  readonly options: readonly string[];
}

/**
 * Talks to the socket. Perl is on every Debian host (perl-base is essential there), starts in a few milliseconds, and has sockets in
 * its core; sh has none. Its module for their addresses takes as long to load as Perl itself, so on Linux they are laid out by hand. It says its verdict in a word and never by its exit status, which any accident could set.
 */
const PERL = String.raw`
alarm 300;
my $verdict = eval {
  my ($kind, $cluster, $socket, $file, $name) = @ARGV;
  my $address = $^O eq "linux" ? pack("S a108", 1, $socket) : do { require Socket; Socket::pack_sockaddr_un($socket) };
  socket(my $s, 1, 1, 0) or return "away";
  connect($s, $address) or return "away";
  binmode $s;
  my $say = sub { my ($b, $o) = ($_[0], 0); while ($o < length $b) { my $n = syswrite($s, $b, length($b) - $o, $o) or die; $o += $n } };
  my $rest = "";
  my $line = sub {
    while (index($rest, "\n") < 0) { sysread($s, $rest, 65536, length $rest) or die }
    $rest =~ s/^(.*?)\n//; return $1;
  };
  my $hex = sub { unpack("H*", $_[0]) };
  if ($kind eq "push") {
    my @st = stat($file) or return "away";
    $say->("dbadmin1 push " . $hex->($cluster) . " " . $hex->($file) . " $st[0] $st[1] $st[7]\n");
    my $told = $line->();
    if ($told eq "send") {
      open(my $f, "<:raw", $file) or return "away";
      while (sysread($f, my $b, 1048576)) { $say->($b) }
      $told = $line->();
    }
    return "ok" if $told eq "ok";
    if ($told =~ /^fail ([0-9a-f]*)$/) { print STDERR "dbadmin wal push: ", pack("H*", $1), "\n"; return "failed" }
    return "away";
  }
  $say->("dbadmin1 get " . $hex->($cluster) . " " . $hex->($name) . "\n");
  my $told = $line->();
  return "absent" if $told eq "absent";
  if ($told =~ /^fail ([0-9a-f]*)$/) { print STDERR "dbadmin wal get: ", pack("H*", $1), "\n"; return "failed" }
  $told =~ /^file (\d+)$/ or return "away";
  my $left = $1;
  open(my $out, ">:raw", "$file.dbadmin-tmp") or return "away";
  my $put = sub { my ($b, $o) = ($_[0], 0); $left -= length $b; while ($o < length $b) { my $n = syswrite($out, $b, length($b) - $o, $o) or die; $o += $n } };
  $put->($rest) if length $rest;
  while ($left > 0) { sysread($s, my $b, $left < 1048576 ? $left : 1048576) or die; $put->($b) }
  close($out) or die;
  rename("$file.dbadmin-tmp", $file) or die;
  return $left == 0 ? "ok" : "away";
};
print defined $verdict ? $verdict : "away";
`;

/**
 * A small program for sh that pushes and gets WAL through the socket of `wal receive --serve`, and runs dbadmin itself where nobody
 * serves it or there is no Perl. Its exit statuses are what PostgreSQL asks of archive_command and restore_command.
 *
 * @throws {DbadminError} `usage` when a path has a line break.
 */
export function clientScript({ socketPath, clusterName, dbadmin, options }: ClientScript): string {
  const words = [socketPath, clusterName, ...dbadmin, ...options];
  if (words.some((word) => word.includes('\n'))) throw new DbadminError('usage', 'a path with a line break cannot stand in the client');
  return `#!/bin/sh
# Written by dbadmin wal client: pushes and gets WAL through the socket of "dbadmin wal receive --serve".
#   archive_command = '<this file> push %p'
#   restore_command = '<this file> get %f %p'
socket=${shellQuote(socketPath)}
cluster=${shellQuote(clusterName)}
dbadmin() { ${dbadmin.map(shellQuote).join(' ')} "$@" ${options.map(shellQuote).join(' ')}; }

ask() {
  [ -S "$socket" ] && command -v perl >/dev/null || return
  perl -e '${PERL}' "$1" "$cluster" "$socket" "$2" "$3" || :
}

absolute() { case $1 in /*) file=$1 ;; *) file=$PWD/$1 ;; esac; }

case $1 in
push)
  absolute "$2"
  verdict=$(ask push "$file")
  [ "$verdict" = ok ] && exit 0
  [ "$verdict" = failed ] && exit 1
  dbadmin wal push "$file" && exit 0
  # 126 and above would end the archiver.
  exit 1
  ;;
get)
  absolute "$3"
  verdict=$(ask get "$file" "$2")
  [ "$verdict" = ok ] && exit 0
  [ "$verdict" = absent ] && exit 1
  [ "$verdict" = failed ] && exit 126
  dbadmin wal get --absent-code 44 "$2" "$file"
  status=$?
  [ $status = 0 ] && exit 0
  [ $status = 44 ] && exit 1
  # Anything else must not look like the end of the archive.
  exit 126
  ;;
*)
  echo "usage: $0 push %p | get %f %p" >&2
  [ "$1" = get ] && exit 126
  exit 64
  ;;
esac
`;
}
