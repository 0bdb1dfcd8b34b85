#!/usr/bin/env node
// Restores a backup out of a dbadmin repository on disk, with nothing but Node (22.15 or newer) and this file. It exists so that no
// backup depends on dbadmin being there, or being right: it is written from src/repository/FORMAT.md and shares no code with the tool.
//
//   node dbadmin-extract.mjs list REPOSITORY
//   node dbadmin-extract.mjs extract REPOSITORY [CLUSTER/]LABEL INTO [--passphrase-file FILE | --key-file FILE | --emergency FILE] [--no-wal]
//
// A repository in S3 is first copied to a directory, with any tool. CLUSTER is a system identifier. The WAL from the backup's start on is put
// into pg_wal: a server started in INTO replays all of it. Tablespaces go to INTO.tablespaces/<oid>, outer configuration to INTO.config.
import { createDecipheriv, hkdfSync, scryptSync } from 'node:crypto';
import * as fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import * as zlib from 'node:zlib';

class ExtractError extends Error {}
const print = (line) => process.stdout.write(`${line}\n`);
const hex8 = (number) => number.toString(16).toUpperCase().padStart(8, '0');

// ---------------------------------------------------------------- BLAKE3-256, keyed or not (https://github.com/BLAKE3-team/BLAKE3-specs)
const IV = Int32Array.of(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19);
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
const [CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED] = [1, 2, 4, 8, 16];
const SCHEDULE = Uint8Array.from({ length: 7 * 16 }, (_, i) => i); // which words of the block each of the seven rounds takes
for (let i = 16; i < SCHEDULE.length; i += 1) SCHEDULE[i] = SCHEDULE[(i & ~15) - 16 + PERMUTATION[i & 15]];
const v = new Int32Array(16);
const rotate = (word, bits) => (word >>> bits) | (word << (32 - bits));

function mix(a, b, c, d, x, y) {
  v[a] = (v[a] + v[b] + x) | 0; v[d] = rotate(v[d] ^ v[a], 16);
  v[c] = (v[c] + v[d]) | 0; v[b] = rotate(v[b] ^ v[c], 12);
  v[a] = (v[a] + v[b] + y) | 0; v[d] = rotate(v[d] ^ v[a], 8);
  v[c] = (v[c] + v[d]) | 0; v[b] = rotate(v[b] ^ v[c], 7);
}

/** Compresses a block of 16 words into `out`, which may be `chaining`. */
function compressBlock(chaining, m, counter, length, flags, out) {
  v.set(chaining);
  v.set(IV, 8);
  [v[12], v[13], v[14], v[15]] = [counter | 0, Math.floor(counter / 2 ** 32), length, flags];
  for (let s = 0; s < 112; s += 16) {
    for (let i = 0; i < 4; i += 1) mix(i, i + 4, i + 8, i + 12, m[SCHEDULE[s + 2 * i]], m[SCHEDULE[s + 2 * i + 1]]);
    for (let i = 0, n = s + 8; i < 4; i += 1, n += 2) mix(i, 4 + ((i + 1) & 3), 8 + ((i + 2) & 3), 12 + ((i + 3) & 3), m[SCHEDULE[n]], m[SCHEDULE[n + 1]]);
  }
  for (let i = 0; i < 8; i += 1) out[i] = v[i] ^ v[i + 8];
}

/** BLAKE3-256 of bytes; keyed when a key of 32 bytes is given. */
export function blake3(bytes, key) {
  const words = key === undefined ? IV : Int32Array.from({ length: 8 }, (_, i) => key.readInt32LE(4 * i));
  const block = new Int32Array(16);
  const padded = new Uint8Array(block.buffer);
  const hashTree = (from, to, root, out) => {
    if (to - from <= 1024) {
      out.set(words);
      for (let at = from, flags = root | CHUNK_START; at === from || at < to; at += 64, flags = root) {
        const end = Math.min(at + 64, to);
        if (end - at < 64) padded.fill(0);
        for (let i = at; i < end; i += 1) padded[i - at] = bytes[i];
        compressBlock(out, block, from / 1024, end - at, end === to ? flags | CHUNK_END : flags & ~ROOT, out);
      }
      return;
    }
    const left = from + 2 ** (31 - Math.clz32(to - from - 1));
    const children = new Int32Array(16);
    hashTree(from, left, root & ~ROOT, children.subarray(0, 8));
    hashTree(left, to, root & ~ROOT, children.subarray(8));
    compressBlock(words, children, 0, 64, root | PARENT, out);
  };
  const hash = new Int32Array(8);
  hashTree(0, bytes.byteLength, key === undefined ? ROOT : ROOT | KEYED, hash);
  return Buffer.from(hash.buffer);
}

// ---------------------------------------------------------------- keys and encrypted content
const derive = (key, salt, purpose) => Buffer.from(hkdfSync('sha256', key, salt, purpose, 32));

function decrypt(key, nonce, sealed, associated) {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 }).setAAD(associated).setAuthTag(sealed.subarray(-16));
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  } catch {
    throw new ExtractError('it does not open with this key');
  }
}

function decryptBody(repository, stored, associated) {
  const key = derive(repository.key, stored.subarray(0, 32), 'dbadmin object');
  const pieces = [];
  // There is a last frame always: a salt alone would authenticate nothing, and its header neither.
  for (let at = 32, end = 0; end === 0 || at < stored.byteLength; at = end) {
    end = at + 4 + (at + 4 > stored.byteLength ? 16 : stored.readUInt32BE(at));
    if (end > stored.byteLength) throw new ExtractError('its encrypted body is cut short');
    const nonce = Buffer.from(`${hex8(0)}${hex8(pieces.length)}${hex8(end === stored.byteLength ? 1 : 0)}`, 'hex');
    pieces.push(decrypt(key, nonce, stored.subarray(at + 4, end), associated));
  }
  return Buffer.concat(pieces);
}

function opens(repository, secret, name) {
  const { header } = unseal(repository, `keys/${name}`, 'K', { id: name });
  if (header.kind !== secret.kind) return false;
  const [salt, nonce, wrapped, id] = [header.salt, header.nonce, header.wrapped, header.id].map((hex) => Buffer.from(hex, 'hex'));
  const { N, r, p } = header.scrypt ?? {};
  if (secret.kind === 'passphrase' && !(128 * r * (N + p) <= 2 ** 30 && p <= 8)) throw new ExtractError(`keys/${name}: it asks for more work than a key may`);
  const wrapping = secret.kind === 'passphrase'
    ? scryptSync(secret.text.normalize('NFC'), salt, 32, { N, r, p, maxmem: 256 * N * r })
    : derive(secret.text.trim(), salt, 'dbadmin key file');
  return unlocks(repository, named(`keys/${name}`, () => decrypt(wrapping, nonce, wrapped, id)));
}

/** Opens the repository with this repository key, if it is its own. */
function unlocks(repository, key) {
  if (derive(key, Buffer.alloc(0), 'dbadmin key check').toString('hex').slice(0, 32) !== repository.keyCheck) return false;
  return Object.assign(repository, { key, hashKey: derive(key, Buffer.alloc(0), 'dbadmin blob names') });
}

/** The repository key that an exported emergency key is: no object under keys/ is needed then. */
function emergencyKey(text) {
  const form = /^dbadmin-emergency-key-1 ([0-9a-f]{32}) ((?:[0-9a-f]{8} ?){8}) ?([0-9a-f]{8})\r?$/m;
  const [, id, groups = '', check] = form.exec(text) ?? [];
  const hex = groups.replaceAll(' ', '');
  if (blake3(Buffer.from(`dbadmin-emergency-key-1 ${id} ${hex}`)).toString('hex', 0, 4) !== check) throw new ExtractError('the file of --emergency holds no emergency key, or one with a slip');
  return Buffer.from(hex, 'hex');
}

const EMERGENCY = 'key of --emergency';

/** What `work` gives; what is wrong is said with the name of the object that it is wrong with. */
function named(name, work) {
  try {
    return work();
  } catch (error) {
    throw new ExtractError(`${name}: ${error.message}`, { cause: error });
  }
}

const listed = (place) => (fs.existsSync(place) ? fs.readdirSync(place) : []);

/** What lies in a directory of the repository, but for what a writer that died has begun. */
const namesIn = ({ root }, directory) => listed(path.join(root, directory)).filter((name) => !name.endsWith('.tmp'));

/** One of several objects; undefined when it is damaged: others may be whole. */
function readable(read) {
  try {
    return read();
  } catch (error) {
    process.stderr.write(`passed over: ${error.message}\n`);
  }
}

/** Header and plain body of a sealed object of that kind; its hash is checked, and that it says of itself what its key says. */
function unseal(repository, key, kind, said = {}) {
  return named(key, () => {
    const bytes = fs.readFileSync(path.join(repository.root, key));
    const end = bytes.byteLength - 32;
    if (end < 16 || bytes.toString('latin1', 0, 8) !== 'DBADMIN1') throw new ExtractError('it is not a dbadmin object');
    const [found, flags, bodyAt] = [bytes.toString('latin1', 8, 9), bytes[9], 16 + bytes.readUInt32BE(12)];
    if (bodyAt > end || !blake3(bytes.subarray(0, end)).equals(bytes.subarray(end))) throw new ExtractError('it is damaged: its hash does not match');
    if (found !== kind) throw new ExtractError(`it is an object of kind ${found} where one of kind ${kind} belongs`);
    if ((flags & ~3) !== 0) throw new ExtractError(`it is stored in a way that this file does not know (flags ${flags})`);
    const isEncrypted = (flags & 2) !== 0;
    // An index may be in the clear, as who has no key can rebuild it. Of the kinds that are so always, no body is used.
    if (!isEncrypted && repository.key !== undefined && 'MWPH'.includes(kind)) throw new ExtractError('it is not encrypted, and the repository is');
    let body = bytes.subarray(bodyAt, end);
    if (isEncrypted) body = decryptBody(repository, body, blake3(bytes.subarray(0, bodyAt)));
    const header = JSON.parse(bytes.toString('utf8', 16, bodyAt));
    if (typeof header !== 'object' || header === null) throw new ExtractError('its header is no object');
    const strange = Object.keys(said).find((field) => header[field] !== said[field]);
    if (strange !== undefined) throw new ExtractError(`it says that its ${strange} is ${header[strange]}`);
    return { header, body: flags & 1 ? zlib.zstdDecompressSync(body) : body, isEncrypted };
  });
}

function openRepository(root, secret) {
  if (!fs.existsSync(path.join(root, 'dbadmin-repository'))) throw new ExtractError(`there is no repository in ${root}`);
  const { format, encryption, keyCheck } = unseal({ root }, 'dbadmin-repository', 'I').header;
  const repository = { root, keyCheck, key: undefined, hashKey: undefined };
  if (![1, 2].includes(format)) throw new ExtractError(`the repository has format ${format}; this file knows 1 and 2`);
  if (!['none', 'aes-256-gcm'].includes(encryption)) throw new ExtractError(`the repository has encryption ${encryption}, unknown to this file`);
  // Who can write there can put another identity there, and a backup that they made up.
  if (encryption === 'none' && secret) throw new ExtractError(`a ${secret.kind} is given, and the repository says that it is not encrypted`);
  if (encryption === 'none') return repository;
  if (secret === undefined) throw new ExtractError('the repository is encrypted: give --passphrase-file, --key-file or --emergency');
  if (secret.kind === EMERGENCY && unlocks(repository, emergencyKey(secret.text))) return repository;
  if (secret.kind === EMERGENCY) throw new ExtractError(`the ${EMERGENCY} is of another repository`);
  // Whatever is wrong with one key object, or whoever's it is, another may open.
  for (const name of namesIn(repository, 'keys')) if (readable(() => opens(repository, secret, name))) return repository;
  throw new ExtractError(`the ${secret.kind} opens none of the repository's keys`);
}

const backupsOf = (repository, lineage) => namesIn(repository, path.join(lineage, 'backups'));

/** By their directories: what lies under clusters/ may be absent or damaged. */
const lineagesOf = (repository) => namesIn(repository, '').filter((name) => /^\d+$/.test(name) && backupsOf(repository, name).length > 0);

function readBackup(repository, lineage, label) {
  const { header, body } = unseal(repository, `${lineage}/backups/${label}`, 'M', { label, systemIdentifier: lineage });
  const { startTimeline, stopTimeline, serverVersion, walSegmentBytes } = header;
  const isWhole =
    [startTimeline, stopTimeline, serverVersion, Math.log2(walSegmentBytes)].every((each) => Number.isSafeInteger(each) && each > 0) &&
    [header.startLsn, header.stopLsn].every((lsn) => /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/i.test(lsn));
  if (!isWhole) throw new ExtractError(`${lineage}/backups/${label}: its header is incomplete`);
  return { header, body };
}

/** What speaks against a backup. It can be extracted all the same: it may be all that there is. */
function doubtsAbout({ label, damage, audit, cutsUnknownSince }) {
  const pages = audit?.mismatchCount ?? audit?.mismatches?.length ?? 0;
  return [
    damage && `${label} has pages that the server found bad: ${damage}`,
    !damage && pages > 0 && `${pages} pages of ${label} and ${audit.comparedWith} differ: one is wrong (findings: holds/${label}/*.audit)`,
    cutsUnknownSince && `${label} may have old pages of relations that VACUUM cut back after ${cutsUnknownSince}`,
  ].filter(Boolean);
}

function readIndexes(repository, lineage) {
  const places = new Map();
  const keys = namesIn(repository, `${lineage}/indexes`).map((name) => `${lineage}/indexes/${name}`);
  const indexes = keys.map((key) => readable(() => unseal(repository, key, 'X'))).filter(Boolean);
  // In an encrypted repository those in the clear only fill gaps: anybody may have written them.
  for (const { body } of indexes.sort((a, b) => b.isEncrypted - a.isEncrypted)) {
    for (let at = 0; at + 20 <= body.byteLength;) {
      const pack = body.toString('hex', at, at + 16);
      const file = path.join(repository.root, lineage, 'packs', pack.slice(0, 2), pack);
      const end = Math.min(at + 20 + 48 * body.readUInt32BE(at + 16), body.byteLength);
      for (at += 20; at + 48 <= end; at += 48) {
        const [offset, stored, flags] = [32, 36, 44].map((field) => body.readUInt32BE(at + field));
        const hash = body.toString('hex', at, at + 32);
        if (!places.has(hash) || !fs.existsSync(places.get(hash).file)) places.set(hash, { pack, file, offset, stored, flags });
      }
      at = end;
    }
  }
  return places;
}

/** Reads blobs by name; the last one is kept, because neighbouring extents often share it. */
function blobReader(repository, places) {
  let last = { hash: '', plain: Buffer.alloc(0) };
  return (hash) => {
    if (last.hash === hash) return last.plain;
    const { pack, file, offset, stored, flags } = places.get(hash);
    const handle = fs.openSync(file, 'r');
    let bytes = Buffer.alloc(stored);
    const read = fs.readSync(handle, bytes, 0, stored, offset);
    fs.closeSync(handle);
    if (read !== stored) throw new ExtractError(`pack ${pack} is cut short`);
    const plain = named(`pack ${pack}, blob ${hash}`, () => {
      const packKey = flags & 2 ? derive(repository.key, Buffer.from(pack, 'hex'), 'dbadmin pack') : undefined;
      if (packKey !== undefined) bytes = decrypt(packKey, bytes.subarray(0, 12), bytes.subarray(12), Buffer.from(hash, 'hex'));
      return flags & 1 ? zlib.zstdDecompressSync(bytes, { maxOutputLength: 2 ** 20 }) : bytes;
    });
    if (!blake3(plain, repository.hashKey).equals(Buffer.from(hash, 'hex'))) throw new ExtractError(`pack ${pack}: blob ${hash} is damaged`);
    last = { hash, plain };
    return plain;
  };
}

// ---------------------------------------------------------------- the data directory

/** The entries of a manifest, each with the bytes of its name as Latin-1; refused when one leads out of the data directory. */
function entriesOf(body) {
  return body.toString('utf8').split('\n').filter(Boolean).flatMap((line) => {
    const entry = JSON.parse(line);
    const name = (entry.path === undefined ? Buffer.from(entry.pathHex, 'hex') : Buffer.from(entry.path)).toString('latin1');
    const isRoot = entry.type === 'directory' && ['', '.'].includes(name);
    // A link among those of tablespaces that is none: backups by early builds have it.
    if (entry.type === 'symlink' && !leadsOut(name) && /^pg_tblspc\/[^/]*[^/0-9][^/]*$/.test(name)) return [];
    const isKnown = entry.type === 'symlink' ? /^pg_tblspc\/\d+$/.test(name) : ['file', 'directory'].includes(entry.type);
    if ((leadsOut(name) && !isRoot) || !isKnown) throw new ExtractError(`the backup names an unsafe ${entry.type} ${JSON.stringify(name)}`);
    return [{ ...entry, name }];
  });
}

const leadsOut = (name) => name.includes('\0') || name.split('/').some((part) => ['', '.', '..'].includes(part));

const inside = (directory, name) => Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, 'latin1')]);

function writeFile(file, { sizeBytes, mode, modifiedAt, blobs, extents }, read) {
  const handle = fs.openSync(file, 'wx', mode & 0o777);
  fs.ftruncateSync(handle, sizeBytes);
  // In format 1 an extent has the name of its blob, since then its number in the line's list.
  for (const [offset, length, blob, from = 0] of extents) {
    const bytes = read(blobs?.[blob] ?? blob);
    // The system may write less than it is asked to, as on a full disk: the file has its whole length already, and would keep zeros.
    for (let done = 0, written = 0; done < length; done += written) {
      written = fs.writeSync(handle, bytes, from + done, length - done, offset + done);
      if (written === 0) throw new ExtractError(`nothing more can be written at offset ${offset + done}`);
    }
  }
  fs.fsyncSync(handle);
  fs.futimesSync(handle, modifiedAt, modifiedAt);
  fs.closeSync(handle);
}

const writeBytes = (file, bytes) =>
  writeFile(file, { sizeBytes: bytes.byteLength, mode: 0o600, modifiedAt: Date.now() / 1000, extents: [[0, bytes.byteLength, '']] }, () => bytes);

/** Makes the names in a directory last: those of files that are synced may still be lost with the power. */
function syncDirectory(directory) {
  const handle = fs.openSync(directory, 'r');
  fs.fsyncSync(handle);
  fs.closeSync(handle);
}

/** Lines that lead out of the data directory: the first would start the original's cluster in place of this one. */
const OUTSIDE = /^[ \t]*((data_directory|hba_file|ident_file|external_pid_file)\b|include(_dir|_if_exists)?[ \t=]*'(\/|\.\.)).*$/gim;

/** What is extracted must not meet the cluster that it was backed up from, nor take part in what that does. */
const QUIET = `\n# Added by dbadmin-extract.\nlisten_addresses = ''\narchive_mode = off\narchive_cleanup_command = ''\nrecovery_end_command = ''
primary_conninfo = ''\nprimary_slot_name = ''\nsynchronous_standby_names = ''\nmax_logical_replication_workers = 0\n`;

/** Takes such lines out of a configuration file and adds others; one that the backup has not is made. */
function reconfigure(file, added = '', whenMissing = '') {
  const text = fs.existsSync(file) ? fs.readFileSync(file, 'latin1') : whenMissing;
  const inner = `${text.replaceAll(OUTSIDE, '# left out by dbadmin-extract: $&')}${added}`;
  if (inner !== text || !fs.existsSync(file)) fs.writeFileSync(file, inner, { encoding: 'latin1', mode: 0o600, flush: true });
}

const parseLsn = (text) => text.split('/').reduce((lsn, half) => (lsn << 32n) | BigInt(`0x${half}`), 0n);
const formatLsn = (lsn) => `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase();

/** The timelines that lead to the backup's last one, newest first, with where each begins and ends, and the file of their history. */
function timelinesOf(repository, lineage, { startTimeline, stopTimeline }) {
  const name = `${hex8(stopTimeline)}.history`;
  const unsealed = () => unseal(repository, `${lineage}/wal/${name}`, 'H', { systemIdentifier: lineage, timeline: stopTimeline }).body;
  const isStored = namesIn(repository, `${lineage}/wal`).includes(name);
  // Where the backup began on another timeline the server cannot do without.
  const history = startTimeline < stopTimeline ? unsealed() : isStored ? readable(unsealed) : undefined;
  const timelines = [{ timeline: stopTimeline, begin: 0n, end: 2n ** 64n }];
  for (const [, timeline, lsn] of (startTimeline < stopTimeline ? String(history) : '').matchAll(/^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/gim)) {
    timelines.splice(1, 0, { timeline: Number(timeline), begin: timelines[0].begin, end: parseLsn(lsn) });
    timelines[0].begin = parseLsn(lsn);
  }
  return { timelines: timelines.filter(({ timeline }) => timeline >= startTimeline), history: { name, bytes: history } };
}

/** Lays down the WAL from the backup's start on with its history, as far as it is there in one piece and can be read. */
function extractWal(repository, lineage, header, wal, into) {
  const { name, bytes } = wal.history;
  if (bytes !== undefined) writeBytes(path.join(into, name), bytes);
  return readWal(repository, lineage, header, wal, 2n ** 64n, (segment, content) => writeBytes(path.join(into, segment), content));
}

/** Reads that WAL segment by segment, the last one padded, to where it ends or up to `until`; the backup needs it up to its stop. */
function readWal(repository, lineage, header, { timelines }, until, take) {
  const size = BigInt(header.walSegmentBytes);
  let [count, reached, problem] = [0, parseLsn(header.startLsn), ''];
  for (let number = reached / size, isFull = true; isFull && reached < until; number += 1n) {
    // Where the timeline changes the newer one has the segment, or the older as far as it goes: so the server looks for it.
    const found = timelines
      .filter(({ begin, end }) => begin / size <= number && end > number * size)
      .map(({ timeline, end }) => ({ end, ...readSegment(repository, lineage, timeline, number, size) }))
      .find(({ bytes }) => bytes !== undefined);
    problem = found?.problem ?? '';
    if (found === undefined || found.length === 0) break;
    take(found.segment, found.bytes);
    count += 1;
    const stored = number * size + BigInt(found.length);
    reached = stored < found.end ? stored : found.end;
    isFull = reached === (number + 1n) * size;
  }
  const end = `${formatLsn(reached)}${problem === '' ? '' : `; what follows cannot be read (${problem})`}`;
  if (reached >= parseLsn(header.stopLsn)) return { count, end };
  throw new ExtractError(`the backup needs WAL up to ${header.stopLsn}, and it is there up to ${end}: --no-wal extracts the files alone`);
}

/** A segment, or as much of its beginning as its parts hold; nothing when none of it is stored. */
function readSegment(repository, lineage, timeline, number, size) {
  const [directory, perLog] = [`${lineage}/wal/${hex8(timeline)}`, 0x100000000n / size];
  const segment = `${hex8(timeline)}${hex8(number / perLog)}${hex8(number % perLog)}`;
  const isWhole = fs.existsSync(path.join(repository.root, directory, segment));
  const form = new RegExp(`^${segment}\\.part\\.([0-9A-F]{8})-([0-9A-F]{8})-[0-9a-f]{8}$`);
  const parts = isWhole ? [[segment, '0', size.toString(16)]] : namesIn(repository, directory).map((name) => form.exec(name)).filter(Boolean);
  const pieces = parts.map(([name, from, to]) => [name, Number.parseInt(from, 16), Number.parseInt(to, 16)]);
  if (pieces.length === 0) return {};
  const bytes = Buffer.alloc(Number(size));
  let [length, problem] = [0, ''];
  for (const [name, from, to] of pieces.sort((a, b) => a[1] - b[1] || b[2] - a[2])) {
    if (from > length) break;
    if (to <= length) continue;
    try {
      const { body } = unseal(repository, `${directory}/${name}`, isWhole ? 'W' : 'P', { systemIdentifier: lineage, segment, from, to });
      const isFirstPage = () => body.readBigUInt64LE(8) === number * size && body.readBigUInt64LE(24) === BigInt(lineage);
      if (body.byteLength !== to - from || to > size || (from === 0 && !isFirstPage())) throw new ExtractError(`${name} is not what it says`);
      body.copy(bytes, from);
      length = to;
    } catch (error) {
      problem = error.message;
    }
  }
  return { segment, bytes, length, problem: length < size ? problem : '' };
}

function list(repository) {
  for (const lineage of lineagesOf(repository)) {
    for (const label of backupsOf(repository, lineage)) {
      const header = readable(() => readBackup(repository, lineage, label))?.header;
      if (header === undefined) continue;
      const { serverVersion, startLsn, stopLsn, plainBytes } = header;
      print(`${label}  cluster ${lineage}  PostgreSQL ${Math.floor(serverVersion / 10000)}  ${startLsn} → ${stopLsn}  ${plainBytes} bytes`);
      for (const doubt of doubtsAbout(header)) print(`  warning: ${doubt}`);
    }
  }
}

function extract(repository, wanted, into, withWal) {
  const [label, asked] = wanted.split('/').reverse();
  const found = lineagesOf(repository).filter((each) => (asked ?? each) === each && backupsOf(repository, each).includes(label));
  if (found.length === 0) throw new ExtractError(`there is no backup ${wanted}`);
  if (found.length > 1) throw new ExtractError(`several clusters have a backup ${label}: say ${found.map((each) => `${each}/${label}`).join(' or ')}`);
  const [lineage, links, config] = [found[0], `${into}.tablespaces`, `${into}.config`];
  for (const place of [into, links, config]) if (listed(place).length > 0) throw new ExtractError(`${place} is not empty`);
  const { header, body } = readBackup(repository, lineage, label);
  for (const doubt of doubtsAbout(header)) process.stderr.write(`warning: ${doubt}\n`);
  // A signal file would make a standby of it again, of the cluster that its original follows; the other is of a restore that was killed.
  const entries = entriesOf(body).filter(({ name }) => !/^((standby|recovery)\.signal|dbadmin_restore\.json(\.tmp)?)$/.test(name));
  const control = entries.find(({ name }) => name === 'global/pg_control');
  if (control === undefined) throw new ExtractError('the backup has no pg_control');
  const places = readIndexes(repository, lineage);
  const needed = entries.flatMap(({ blobs, extents = [] }) => blobs ?? extents.map(([, , blob]) => blob));
  for (const hash of needed) if (!places.has(hash)) throw new ExtractError(`blob ${hash} is in no index that can be read`);
  const read = blobReader(repository, places);
  // Before anything is made: what the error advises goes into the same empty place.
  const stored = withWal ? timelinesOf(repository, lineage, header) : undefined;
  if (stored !== undefined) readWal(repository, lineage, header, stored, parseLsn(header.stopLsn), () => undefined);
  const made = [path.dirname(into)];
  const make = (directory, mode = 0o700) => made.push(directory) && fs.mkdirSync(directory, { recursive: true, mode });
  for (const directory of ['', 'pg_wal', 'pg_wal/archive_status', 'pg_tblspc']) make(path.join(into, directory));
  const wal = stored === undefined ? undefined : extractWal(repository, lineage, header, stored, path.join(into, 'pg_wal'));
  const own = entries.filter(({ name }) => !/^\.dbadmin(\/|$)/.test(name));
  for (const { name } of own.filter(({ type }) => type === 'symlink')) {
    const target = path.join(links, path.basename(name));
    for (const directory of [links, target]) make(directory);
    fs.symlinkSync(target, path.join(into, name));
  }
  for (const { name, mode } of own.filter(({ type }) => type === 'directory')) make(inside(into, name), mode);
  // The last step makes it real: without pg_control no server starts there.
  for (const entry of own) if (entry.type === 'file' && entry !== control) writeFile(inside(into, entry.name), entry, read);
  for (const entry of entries.filter(({ name, type }) => type === 'file' && name.startsWith('.dbadmin/linked/'))) {
    const parts = entry.name.split('/').slice(2);
    if (parts.length > 1) make(inside(into, parts.slice(0, -1).join('/')));
    writeFile(inside(into, parts.join('/')), entry, read);
  }
  // With nothing in it one that was a link is no entry, and the server does not start without it.
  for (const name of header.includedDirectories ?? []) if (!leadsOut(name)) make(inside(into, Buffer.from(name).toString('latin1')));
  for (const entry of entries.filter(({ name, type }) => type === 'file' && name.startsWith('.dbadmin/config/'))) {
    const parts = entry.name.split('/').slice(2);
    for (let n = 0; n < parts.length; n += 1) make(inside(config, parts.slice(0, n).join('/')));
    writeFile(inside(config, parts.join('/')), entry, read);
    reconfigure(inside(config, parts.join('/')));
  }
  reconfigure(path.join(into, 'postgresql.conf'));
  reconfigure(path.join(into, 'postgresql.auto.conf'), QUIET);
  reconfigure(path.join(into, 'pg_hba.conf'), '', 'local all all peer\n');
  for (const directory of made) syncDirectory(directory);
  writeFile(path.join(into, control.name), control, read);
  syncDirectory(path.join(into, 'global'));
  print(`extracted ${lineage}/${label}: ${header.fileCount} files, ${wal?.count ?? 0} WAL segments, into ${into}`);
  print(`Start a server of the same major there: it replays the WAL and opens. The WAL ${wal ? `ends at ${wal.end}` : 'has to be put there first'}.`);
  print('The end of its postgresql.auto.conf keeps it from the network, from archiving, and from primaries and publishers of the original.');
  if (fs.existsSync(config)) print(`Configuration that the original keeps outside of its data directory is in ${config}, and not in force.`);
}

function main(args) {
  const file = { type: 'string' };
  const options = { 'passphrase-file': file, 'key-file': file, emergency: file, 'no-wal': { type: 'boolean' } };
  const { values, positionals: [command, root, label, into] } = parseArgs({ args, options, allowPositionals: true });
  if (zlib.zstdDecompressSync === undefined) throw new ExtractError(`this is Node ${process.versions.node}; 22.15 or newer is needed`);
  const given = [['passphrase', 'passphrase-file'], ['key-file', 'key-file'], [EMERGENCY, 'emergency']].find(([, option]) => values[option] !== undefined);
  const text = given && fs.readFileSync(values[given[1]], 'utf8');
  // The tool takes the first line of a file for the passphrase, too.
  const secret = given && { kind: given[0], text: given[0] === 'passphrase' ? text.split(/\r?\n/, 1)[0] : text };
  if (command === 'list' && root !== undefined) return list(openRepository(root, secret));
  if (command === 'extract' && into !== undefined) return extract(openRepository(root, secret), label, path.resolve(into), !values['no-wal']);
  throw new ExtractError('usage: list REPOSITORY | extract REPOSITORY [CLUSTER/]LABEL INTO [--passphrase-file FILE | --key-file FILE | --emergency FILE] [--no-wal]');
}

try {
  if (process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fs.realpathSync(new URL(import.meta.url))) main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = 1;
}
