/** What was done to a cluster, as an entry of its ledger has it. Names are as the catalog has them, unquoted. */
export type Deed =
  | { readonly kind: 'role-dropped'; readonly role: string }
  /** It may not log in any more and has no password. */
  | { readonly kind: 'role-disabled'; readonly role: string }
  /** `member` is no member of `role` any more. */
  | { readonly kind: 'membership-revoked'; readonly role: string; readonly member: string }
  | {
      readonly kind: 'privilege-revoked';
      readonly database: string;
      readonly grantee: string;
      /** `SELECT`, `INSERT`, or `ALL`. */
      readonly privileges: readonly string[];
      readonly on: RevokedObject;
    }
  /** `verifier` is the new SCRAM verifier; null where the repository may not keep it or nobody knew it. */
  | { readonly kind: 'password-rotated'; readonly role: string; readonly verifier: string | null }
  /** A person or account was erased by a procedure, which is called again. */
  | {
      readonly kind: 'subject-forgotten';
      readonly database: string;
      /** Schema and name. */
      readonly procedure: readonly [schema: string, name: string];
      readonly arguments: readonly LedgerArgument[];
      /** For people: `listener 71`. */
      readonly subject: string;
    }
  | { readonly kind: 'migration-applied' | 'migration-undone'; readonly database: string; readonly version: string; readonly file: string };

export type DeedKind = Deed['kind'];
export type LedgerArgument = string | number | boolean | null;

const OBJECT_KINDS = ['table', 'sequence', 'schema', 'database', 'function', 'procedure', 'all-tables'] as const;

export interface RevokedObject {
  readonly kind: (typeof OBJECT_KINDS)[number];
  /** `schema.name`, the schema for `schema` and `all-tables`, the database's name for `database`; functions with their argument types. */
  readonly schema: string | undefined;
  readonly name: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** What of a deed is text, by its kind. */
const TEXTS: Readonly<Record<DeedKind, readonly string[]>> = {
  'role-dropped': ['role'],
  'role-disabled': ['role'],
  'membership-revoked': ['role', 'member'],
  'privilege-revoked': ['database', 'grantee'],
  'password-rotated': ['role'],
  'subject-forgotten': ['database', 'subject'],
  'migration-applied': ['database', 'version', 'file'],
  'migration-undone': ['database', 'version', 'file'],
};

export const DEED_KINDS = Object.keys(TEXTS) as readonly DeedKind[];

/** What is wrong with a deed as it was read, as a sentence; undefined when it says all that its kind has to. */
export function problemOfDeed(deed: Deed): string | undefined {
  const fields = deed as unknown as Fields;
  const texts = DEED_KINDS.includes(deed.kind) ? TEXTS[deed.kind] : undefined;
  if (texts === undefined) return `It tells of a deed this version does not know: ${JSON.stringify(deed.kind)}.`;
  const isWhole = texts.every((field) => typeof fields[field] === 'string') && hasParts(deed.kind, fields);
  return isWhole ? undefined : `It does not say all of what was done (${deed.kind}).`;
}

function hasParts(kind: DeedKind, { privileges, on, verifier, procedure, arguments: given }: Fields): boolean {
  if (kind === 'privilege-revoked') return isTexts(privileges) && isObject(on);
  if (kind === 'password-rotated') return verifier === null || typeof verifier === 'string';
  if (kind !== 'subject-forgotten') return true;
  return isTexts(procedure) && procedure.length === 2 && Array.isArray(given) && given.every(isArgument);
}

function isObject(on: unknown): boolean {
  if (typeof on !== 'object' || on === null) return false;
  const { kind, schema, name } = on as Fields;
  return OBJECT_KINDS.some((each) => each === kind) && (schema === undefined || typeof schema === 'string') && typeof name === 'string';
}

function isTexts(values: unknown): values is readonly string[] {
  return Array.isArray(values) && values.every((value) => typeof value === 'string');
}

function isArgument(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}
