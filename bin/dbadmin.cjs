#!/usr/bin/env node
// CommonJS and old syntax on purpose: any Node can read this far and say what is wrong in one line.
'use strict';
var major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write('error: dbadmin needs Node.js 24 or newer, this is ' + process.versions.node + ' (' + process.execPath + ')\n');
  // Not 1: inside restore_command 1 would mean "end of archive" and promote a truncated cluster.
  process.exit(126);
}

// Compiled code is kept in the user's cache, which saves a quarter of the start. Only in a place of our own: under sudo it may be
// another user's, who could lay code there.
try {
  var base = process.env.XDG_CACHE_HOME || process.env.HOME;
  var cache = process.env.XDG_CACHE_HOME ? base : base + '/.cache';
  if (base && process.getuid && require('fs').statSync(base).uid === process.getuid()) {
    require('module').enableCompileCache(cache + '/dbadmin');
  }
  // oxlint-disable-next-line no-unused-vars -- without a name only newer Nodes could read this far
} catch (_) {
  // Without it everything works as well.
}
import('../dist/cli.js').then(
  function (cli) {
    return cli.main();
  },
  function (error) {
    process.stderr.write('error: dbadmin is not installed completely: ' + error.message + '\n');
    process.exit(126);
  },
);
