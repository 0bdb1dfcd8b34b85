import { DbadminError } from '../base/errors.ts';
import { blake3 } from './hash.ts';
import type { RepositoryIdentity } from './identity.ts';
import { KEY_BYTES, RepositoryKeys } from './keys.ts';

const WORD = 'dbadmin-emergency-key-1';
const LINE = new RegExp(`^${WORD} ([0-9a-f]{32}) ((?:[0-9a-f]{8} ?){${KEY_BYTES / 4}}) ?([0-9a-f]{8})$`, 'm');

/**
 * The repository key in a form that can be printed and typed in again: it opens the repository without any key object.
 *
 * One line holds the repository's id, the key in groups of eight hex digits, and a check of both against slips.
 */
export function formatEmergencyKey(identity: RepositoryIdentity, keys: RepositoryKeys, at: Date): string {
  const groups = keys.exposeRepositoryKey().toString('hex').match(/.{8}/g) ?? [];
  return `# Emergency key of the dbadmin repository ${identity.id}, written ${at.toISOString()}.
# Whoever has it reads everything in that repository, now and later: keep it away from the repository, from the
# database host and from backups of either. To use it: dbadmin repository key add --emergency FILE
${WORD} ${identity.id} ${groups.join(' ')} ${checkOf(identity.id, groups.join(''))}
`;
}

/**
 * What opens the repository, from the text of an emergency key. The key decides and not the id: the identity of a repository
 * that was recovered may have another one.
 *
 * @throws {DbadminError} `key-wrong` (exit 12) when it is none, has a slip, or is of another repository.
 */
export function parseEmergencyKey(text: string, identity: RepositoryIdentity): RepositoryKeys {
  const { id, keys } = readEmergencyKey(text);
  if (keys.check === identity.keyCheck) return keys;
  throw new DbadminError('key-wrong', 'the emergency key does not open this repository', {
    detail: `It is of repository ${id}, and this is ${identity.id}.`,
  });
}

/**
 * What the text of an emergency key says, of whatever repository it is.
 *
 * @throws {DbadminError} `key-wrong` (exit 12) when it is none, or has a slip.
 */
export function readEmergencyKey(text: string): { readonly id: string; readonly keys: RepositoryKeys } {
  const [, id = '', groups = '', check] = LINE.exec(text.replaceAll('\r', '')) ?? [];
  if (check === undefined) throw new DbadminError('key-wrong', `this is not an emergency key: no line begins with ${WORD}`);
  const hex = groups.replaceAll(' ', '');
  if (check !== checkOf(id, hex)) {
    throw new DbadminError('key-wrong', 'the emergency key has a slip: its last group does not fit the others', {
      hint: 'Compare each group of eight with the original.',
    });
  }
  return { id, keys: new RepositoryKeys(Buffer.from(hex, 'hex')) };
}

function checkOf(id: string, hex: string): string {
  return blake3(Buffer.from(`${WORD} ${id} ${hex}`))
    .toString('hex')
    .slice(0, 8);
}
