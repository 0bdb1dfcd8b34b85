#!/usr/bin/env node
// Restores a backup out of a dbadmin repository on disk, with nothing but Node (22.15 or newer) and this file. It exists so that no
// backup depends on dbadmin being there, or being right: it is written from src/repository/FORMAT.md and shares no code with the tool.
//
//   node dbadmin-extract.mjs list REPOSITORY
//   node dbadmin-extract.mjs extract REPOSITORY LABEL INTO [--passphrase-file FILE | --key-file FILE] [--no-wal]
//
// A repository in S3 is first copied to a directory, with any tool. The WAL from the backup's start on is put into pg_wal: a server
// started in INTO replays all of it. Tablespaces go to INTO.tablespaces/<oid>.
import { createDecipheriv, hkdfSync, scryptSync } from 'node:crypto';
import * as fs from 'node:fs';
import path from 'node:path';
import { zstdDecompressSync } from 'node:zlib';

class ExtractError extends Error {}

const print = (line) => process.stdout.write(`${line}\n`);

// ---------------------------------------------------------------- BLAKE3-256, keyed or not (https://github.com/BLAKE3-team/BLAKE3-specs)

const IV = Int32Array.of(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19);
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
const [CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED] = [1, 2, 4, 8, 16];
/** Which words of the block each of the seven rounds takes, in order. */
const SCHEDULE = new Uint8Array(7 * 16);
for (let i = 0; i < 16; i += 1) SCHEDULE[i] = i;
for (let i = 16; i < SCHEDULE.length; i += 1) SCHEDULE[i] = SCHEDULE[(i & ~15) - 16 + PERMUTATION[i & 15]];

const state = new Int32Array(16);

function mix(a, b, c, d, x, y) {
  const v = state;
  v[a] = (v[a] + v[b] + x) | 0;
  let r = v[d] ^ v[a];
  v[d] = (r >>> 16) | (r << 16);
  v[c] = (v[c] + v[d]) | 0;
  r = v[b] ^ v[c];
  v[b] = (r >>> 12) | (r << 20);
  v[a] = (v[a] + v[b] + y) | 0;
  r = v[d] ^ v[a];
  v[d] = (r >>> 8) | (r << 24);
  v[c] = (v[c] + v[d]) | 0;
  r = v[b] ^ v[c];
  v[b] = (r >>> 7) | (r << 25);
}

/** Compresses a block of 16 words into `out`, which may be `chaining`. */
function compressBlock(chaining, block, counter, length, flags, out) {
  const v = state;
  for (let i = 0; i < 8; i += 1) v[i] = chaining[i];
  for (let i = 0; i < 4; i += 1) v[i + 8] = IV[i];
  v[12] = counter | 0;
  v[13] = Math.floor(counter / 2 ** 32);
  v[14] = length;
  v[15] = flags;
  const m = block;
  for (let s = 0; s < 112; s += 16) {
    mix(0, 4, 8, 12, m[SCHEDULE[s]], m[SCHEDULE[s + 1]]);
    mix(1, 5, 9, 13, m[SCHEDULE[s + 2]], m[SCHEDULE[s + 3]]);
    mix(2, 6, 10, 14, m[SCHEDULE[s + 4]], m[SCHEDULE[s + 5]]);
    mix(3, 7, 11, 15, m[SCHEDULE[s + 6]], m[SCHEDULE[s + 7]]);
    mix(0, 5, 10, 15, m[SCHEDULE[s + 8]], m[SCHEDULE[s + 9]]);
    mix(1, 6, 11, 12, m[SCHEDULE[s + 10]], m[SCHEDULE[s + 11]]);
    mix(2, 7, 8, 13, m[SCHEDULE[s + 12]], m[SCHEDULE[s + 13]]);
    mix(3, 4, 9, 14, m[SCHEDULE[s + 14]], m[SCHEDULE[s + 15]]);
  }
  for (let i = 0; i < 8; i += 1) out[i] = v[i] ^ v[i + 8];
}

/** BLAKE3-256 of bytes; keyed when a key of 32 bytes is given. */
export function blake3(bytes, key) {
  const words = key === undefined ? IV : Int32Array.from({ length: 8 }, (_, i) => key.readInt32LE(4 * i));
  const mode = key === undefined ? 0 : KEYED;
  const block = new Int32Array(16);
  const padded = new Uint8Array(block.buffer);
  const hashChunk = (from, to, isRoot, out) => {
    out.set(words);
    for (let at = from; at === from || at < to; at += 64) {
      const end = Math.min(at + 64, to);
      if (end - at < 64) padded.fill(0);
      for (let i = at; i < end; i += 1) padded[i - at] = bytes[i];
      const flags = mode | (at === from ? CHUNK_START : 0) | (at + 64 >= to ? CHUNK_END | (isRoot ? ROOT : 0) : 0);
      compressBlock(out, block, from / 1024, end - at, flags, out);
    }
  };
  const hashTree = (from, to, isRoot, out) => {
    const length = to - from;
    if (length <= 1024) return hashChunk(from, to, isRoot, out);
    let left = 1024;
    while (left * 2 < length) left *= 2;
    const children = new Int32Array(16);
    hashTree(from, from + left, false, children.subarray(0, 8));
    hashTree(from + left, to, false, children.subarray(8));
    compressBlock(words, children, 0, 64, mode | PARENT | (isRoot ? ROOT : 0), out);
  };
  const hash = new Int32Array(8);
  hashTree(0, bytes.byteLength, true, hash);
  return Buffer.from(hash.buffer);
}

// ---------------------------------------------------------------- keys and encrypted content

const derive = (key, salt, purpose) => Buffer.from(hkdfSync('sha256', key, salt, purpose, 32));

function decrypt(key, nonce, sealed, associated, name) {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  decipher.setAAD(associated);
  decipher.setAuthTag(sealed.subarray(sealed.byteLength - 16));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  } catch {
    throw new ExtractError(`${name} does not open with this key`);
  }
}

function decryptBody(repository, stored, associated, name) {
  const key = derive(repository.key, stored.subarray(0, 32), 'dbadmin object');
  const pieces = [];
  for (let at = 32, number = 0; at < stored.byteLength; number += 1) {
    const length = stored.readUInt32BE(at);
    const sealed = stored.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64BE(BigInt(number), 0);
    nonce.writeUInt32BE(at === stored.byteLength ? 1 : 0, 8);
    pieces.push(decrypt(key, nonce, sealed, associated, name));
  }
  return Buffer.concat(pieces);
}

function unlock(repository, secret) {
  if (repository.identity.encryption === 'none') return;
  if (secret === undefined) throw new ExtractError('the repository is encrypted: give --passphrase-file or --key-file');
  const unopened = [];
  for (const name of namesIn(repository, 'keys')) {
    // Whatever is wrong with one key object, or whoever's it is, another may open.
    try {
      if (opens(repository, secret, name) !== undefined) return;
    } catch (error) {
      unopened.push(`${name} (${error.message})`);
    }
  }
  throw new ExtractError(`the ${secret.kind} opens none of the repository's keys: ${unopened.join(', ') || 'none of its kind'}`);
}

/** Takes the repository's key out of one key object, if this secret opens it. */
function opens(repository, secret, name) {
  const { header } = unseal(repository, `keys/${name}`);
  if (header.kind !== secret.kind) return undefined;
  const salt = Buffer.from(header.salt, 'hex');
  const { N, r, p } = header.scrypt ?? {};
  if (secret.kind === 'passphrase' && N * r > 2 ** 23) throw new ExtractError('it asks for more memory than a key may');
  const wrapping =
    secret.kind === 'passphrase'
      ? scryptSync(secret.text.normalize('NFC'), salt, 32, { N, r, p, maxmem: 256 * N * r })
      : derive(secret.text.trim(), salt, 'dbadmin key file');
  const [nonce, wrapped, id] = [header.nonce, header.wrapped, header.id].map((hex) => Buffer.from(hex, 'hex'));
  const key = decrypt(wrapping, nonce, wrapped, id, name);
  if (derive(key, Buffer.alloc(0), 'dbadmin key check').toString('hex').slice(0, 32) !== repository.identity.keyCheck) return undefined;
  return Object.assign(repository, { key, hashKey: derive(key, Buffer.alloc(0), 'dbadmin blob names') });
}

/** What lies in a directory of the repository, but for what a writer that died has begun. */
function namesIn({ root }, directory) {
  const place = path.join(root, directory);
  return fs.existsSync(place) ? fs.readdirSync(place).filter((name) => !name.endsWith('.tmp')) : [];
}

// ---------------------------------------------------------------- objects

/** Kinds that never have a body, and indexes: what they name is checked when it is read. Anybody can make the rest, the hash needs no key. */
const MAY_BE_CLEAR = 'ICOKLGTNX';

/** Header and plain body of a sealed object, its hash checked. */
function unseal(repository, key) {
  const bytes = fs.readFileSync(path.join(repository.root, key));
  if (bytes.byteLength < 48 || bytes.toString('latin1', 0, 8) !== 'DBADMIN1') throw new ExtractError(`${key} is not a dbadmin object`);
  const end = bytes.byteLength - 32;
  if (!blake3(bytes.subarray(0, end)).equals(bytes.subarray(end))) throw new ExtractError(`${key} is damaged: its hash does not match`);
  const bodyAt = 16 + bytes.readUInt32BE(12);
  const header = JSON.parse(bytes.toString('utf8', 16, bodyAt));
  const flags = bytes[9];
  let body = bytes.subarray(bodyAt, end);
  const isClear = repository.key !== undefined && !(flags & 2);
  if (isClear && !MAY_BE_CLEAR.includes(bytes.toString('latin1', 8, 9)))
    throw new ExtractError(`${key} is not encrypted, and this repository is: somebody without its key wrote it`);
  if (flags & 2) body = decryptBody(repository, body, blake3(bytes.subarray(0, bodyAt)), key);
  if (flags & 1) body = zstdDecompressSync(body);
  return { header, body, isClear };
}

function openRepository(root, secret) {
  if (!fs.existsSync(path.join(root, 'dbadmin-repository'))) throw new ExtractError(`there is no repository in ${root}`);
  const repository = { root, identity: undefined, key: undefined, hashKey: undefined };
  repository.identity = unseal(repository, 'dbadmin-repository').header;
  if (![1, 2].includes(repository.identity.format))
    throw new ExtractError(`the repository has format ${repository.identity.format}; this file knows 1 and 2`);
  unlock(repository, secret);
  return repository;
}

const lineagesOf = (repository) => namesIn(repository, 'clusters');
const backupsOf = (repository, lineage) => namesIn(repository, path.join(lineage, 'backups'));

/** One of several objects; undefined when it is damaged: others may be whole. */
function readable(repository, name) {
  try {
    return unseal(repository, name);
  } catch (error) {
    process.stderr.write(`passed over: ${error.message}\n`);
    return undefined;
  }
}

/** Where each blob of a lineage lies, from its index objects; those that anybody may have written tell only of what no other names. */
function readIndexes(repository, lineage) {
  const places = new Map();
  const indexes = namesIn(repository, path.join(lineage, 'indexes')).map((name) => readable(repository, `${lineage}/indexes/${name}`));
  for (const { body } of indexes.filter((index) => index !== undefined).sort((a, b) => a.isClear - b.isClear)) {
    for (let at = 0; at < body.byteLength;) {
      const [pack, count] = [body.toString('hex', at, at + 16), body.readUInt32BE(at + 16)];
      at += 20;
      for (let n = 0; n < count; n += 1, at += 48) {
        const [offset, stored, plain, flags] = [32, 36, 40, 44].map((field) => body.readUInt32BE(at + field));
        const hash = body.toString('hex', at, at + 32);
        if (!places.has(hash) || !fs.existsSync(packFile(repository, lineage, places.get(hash).pack)))
          places.set(hash, { pack, offset, stored, plain, flags });
      }
    }
  }
  return places;
}

const packFile = ({ root }, lineage, pack) => path.join(root, lineage, 'packs', pack.slice(0, 2), pack);

/** Reads blobs by name; the last one is kept, because neighbouring extents often share it. */
function blobReader(repository, lineage) {
  const places = readIndexes(repository, lineage);
  let last = { hash: '', plain: Buffer.alloc(0) };
  return (hash) => {
    if (last.hash === hash) return last.plain;
    const place = places.get(hash);
    if (place === undefined) throw new ExtractError(`blob ${hash} is in no index that can be read`);
    const file = fs.openSync(packFile(repository, lineage, place.pack), 'r');
    let bytes = Buffer.alloc(place.stored);
    const read = fs.readSync(file, bytes, 0, place.stored, place.offset);
    fs.closeSync(file);
    if (read !== place.stored) throw new ExtractError(`pack ${place.pack} is cut short`);
    if (place.flags & 2) {
      const packKey = derive(repository.key, Buffer.from(place.pack, 'hex'), 'dbadmin pack');
      bytes = decrypt(packKey, bytes.subarray(0, 12), bytes.subarray(12), Buffer.from(hash, 'hex'), `blob ${hash}`);
    }
    const plain = place.flags & 1 ? zstdDecompressSync(bytes) : bytes;
    if (blake3(plain, repository.hashKey).toString('hex') !== hash) throw new ExtractError(`blob ${hash} is damaged`);
    last = { hash, plain };
    return plain;
  };
}

// ---------------------------------------------------------------- extraction

function extract(repository, label, into, withWal) {
  const lineage = lineagesOf(repository).find((each) => backupsOf(repository, each).includes(label));
  if (lineage === undefined) throw new ExtractError(`there is no backup ${label}`);
  if (fs.existsSync(into) && fs.readdirSync(into).length > 0) throw new ExtractError(`${into} is not empty`);
  const { header, body } = unseal(repository, `${lineage}/backups/${label}`);
  const read = blobReader(repository, lineage);
  fs.mkdirSync(into, { recursive: true, mode: 0o700 });
  const made = [path.dirname(into), into, path.join(into, 'pg_wal')];
  for (const directory of ['pg_wal/archive_status', 'pg_tblspc']) {
    fs.mkdirSync(path.join(into, directory), { recursive: true, mode: 0o700 });
    made.push(path.join(into, directory));
  }
  let control;
  const entries = body
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const entry of entries.filter(({ type }) => type === 'symlink')) {
    const target = path.resolve(`${into}.tablespaces`, path.basename(entry.path));
    fs.mkdirSync(target, { recursive: true, mode: 0o700 });
    fs.symlinkSync(target, inside(into, entry));
    made.push(path.dirname(target), target);
  }
  for (const entry of entries.filter(({ type }) => type === 'directory')) {
    fs.mkdirSync(inside(into, entry), { recursive: true, mode: entry.mode });
    made.push(inside(into, entry));
  }
  for (const entry of entries.filter(({ type }) => type === 'file')) {
    // The last step makes it real: without pg_control no server starts there.
    if (entry.path === 'global/pg_control') control = entry;
    else if (!entry.path?.startsWith('.dbadmin/')) writeFile(inside(into, entry), entry, read);
  }
  const segments = withWal ? extractWal(repository, lineage, header, path.join(into, 'pg_wal')) : 0;
  if (control === undefined) throw new ExtractError('the backup has no pg_control');
  for (const directory of made) syncDirectory(directory);
  writeFile(inside(into, control), control, read);
  syncDirectory(path.join(into, 'global'));
  print(`extracted ${label}: ${header.fileCount} files, ${segments} WAL segments, into ${into}`);
  if (withWal) print('Start a server of the same major there: it replays the WAL and opens. Switch archiving off first if it was on.');
}

function inside(into, entry) {
  const name = entry.path ?? Buffer.from(entry.pathHex, 'hex').toString('latin1');
  if (path.isAbsolute(name) || name.split('/').includes('..'))
    throw new ExtractError(`the backup names a file outside of its directory: ${name}`);
  if (entry.path !== undefined) return path.join(into, name);
  return Buffer.concat([Buffer.from(`${into}/`), Buffer.from(entry.pathHex, 'hex')]);
}

function writeFile(file, { sizeBytes, mode, modifiedAt, blobs, extents }, read) {
  const handle = fs.openSync(file, 'wx', mode);
  fs.ftruncateSync(handle, sizeBytes);
  // In format 1 an extent has the name of its blob, since then its number in the line's list.
  for (const [offset, length, blob, from = 0] of extents) writeAll(handle, read(blobs?.[blob] ?? blob), from, length, offset);
  fs.fsyncSync(handle);
  fs.futimesSync(handle, modifiedAt, modifiedAt);
  fs.closeSync(handle);
}

/** The system may write less than it is asked to, when the disk is full among others: the file has its whole length already, and would keep zeros. */
function writeAll(handle, bytes, from, length, offset) {
  for (let done = 0; done < length;) {
    const written = fs.writeSync(handle, bytes, from + done, length - done, offset + done);
    if (written === 0) throw new ExtractError(`nothing more can be written at offset ${offset + done}`);
    done += written;
  }
}

/** Makes the names in a directory last: those of files that are synced may still be lost with the power. */
function syncDirectory(directory) {
  const handle = fs.openSync(directory, 'r');
  fs.fsyncSync(handle);
  fs.closeSync(handle);
}

/** Every segment of the backup's timeline from its start on, as far as they follow each other; the open one from its parts, padded. */
function extractWal(repository, lineage, header, into) {
  const hex8 = (number) => number.toString(16).toUpperCase().padStart(8, '0');
  const timeline = hex8(header.stopTimeline);
  const names = namesIn(repository, path.join(lineage, 'wal', timeline));
  const [high, low] = header.startLsn.split('/').map((half) => BigInt(`0x${half}`));
  const size = BigInt(header.walSegmentBytes);
  for (let number = ((high << 32n) | low) / size, count = 0; ; number += 1n, count += 1) {
    const perLog = 0x100000000n / size;
    const segment = `${timeline}${hex8(Number(number / perLog))}${hex8(Number(number % perLog))}`;
    const parts = names
      .filter((name) => name.startsWith(`${segment}.part.`))
      .map((name) => ({ name, from: Number.parseInt(name.slice(30, 38), 16) }));
    if (!names.includes(segment) && parts.length === 0) return count;
    const bytes = Buffer.alloc(header.walSegmentBytes);
    if (names.includes(segment)) unseal(repository, `${lineage}/wal/${timeline}/${segment}`).body.copy(bytes);
    for (const { name, from } of names.includes(segment) ? [] : parts.sort((a, b) => a.from - b.from))
      unseal(repository, `${lineage}/wal/${timeline}/${name}`).body.copy(bytes, from);
    fs.writeFileSync(path.join(into, segment), bytes, { mode: 0o600, flush: true });
    if (!names.includes(segment)) return count + 1;
  }
}

function list(repository) {
  for (const lineage of lineagesOf(repository)) {
    for (const label of backupsOf(repository, lineage)) {
      const header = readable(repository, `${lineage}/backups/${label}`)?.header;
      if (header === undefined) continue;
      print(
        `${label}  cluster ${lineage}  PostgreSQL ${Math.floor(header.serverVersion / 10000)}  ${header.startLsn} → ${header.stopLsn}  ${header.plainBytes} bytes`,
      );
    }
  }
}

function main(args) {
  const option = (name) => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args.splice(at, 2)[1];
  };
  const passphrase = option('--passphrase-file');
  const keyFile = option('--key-file');
  const withWal = !args.includes('--no-wal');
  const [command, root, label, into] = args.filter((arg) => arg !== '--no-wal');
  const secret =
    passphrase !== undefined
      ? { kind: 'passphrase', text: fs.readFileSync(passphrase, 'utf8').replace(/\r?\n$/, '') }
      : keyFile !== undefined
        ? { kind: 'key-file', text: fs.readFileSync(keyFile, 'utf8') }
        : undefined;
  if (command === 'list' && root !== undefined) return list(openRepository(root, secret));
  if (command === 'extract' && into !== undefined) return extract(openRepository(root, secret), label, path.resolve(into), withWal);
  throw new ExtractError('usage: list REPOSITORY | extract REPOSITORY LABEL INTO [--passphrase-file FILE | --key-file FILE] [--no-wal]');
}

if (process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fs.realpathSync(new URL(import.meta.url))) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n`);
    process.exitCode = 1;
  }
}
