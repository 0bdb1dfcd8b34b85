import { createHash } from 'node:crypto';
import type { DeclaredPolicy } from './document/lifecycle.ts';
import type { PolicyState } from './lifecycle-state.ts';

/** The first word of the mark that a policy's comment carries. */
export const MARK_WORD = 'dbadmin row_security';
const DIGEST_LENGTH = 16;

type Expressions = Pick<DeclaredPolicy, 'using' | 'check'>;

/** The digest of a policy's expressions as the file has them. */
export function declaredDigest(policy: Expressions): string {
  return digest(policy);
}

/** SQL for the digest of what the server made of them; `p` is the row of pg_policy. The same as {@link declaredDigest} over the normal forms. */
export const SERVER_DIGEST_SQL =
  `left(encode(sha256(convert_to(coalesce(pg_get_expr(p.polqual, p.polrelid), '') || E'\\n' || ` +
  `coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''), 'UTF8')), 'hex'), ${DIGEST_LENGTH})`;

function digest({ using, check }: Expressions): string {
  return createHash('sha256')
    .update(`${using ?? ''}\n${check ?? ''}`, 'utf8')
    .digest('hex')
    .slice(0, DIGEST_LENGTH);
}

/**
 * Whether the expressions of `found` are surely those of `declared`, without asking the server.
 *
 * They are when the texts are equal but for brackets around the whole, or when the mark in the comment says that this text
 * became this normal form. A false says nothing: the server writes expressions in its own way.
 */
export function isSurelySame(declared: Expressions, found: PolicyState): boolean {
  const isEqual = (left: string | undefined, right: string | undefined): boolean =>
    left === undefined || right === undefined ? left === right : withoutBrackets(left) === withoutBrackets(right);
  if (isEqual(declared.using, found.using) && isEqual(declared.check, found.check)) return true;
  const mark = new RegExp(`\\[${MARK_WORD} ([0-9a-f]+) ([0-9a-f]+)\\]$`).exec(found.comment ?? '');
  return mark !== null && mark[1] === digest(declared) && mark[2] === digest(found);
}

/** What differs between the normal forms that the server gave for the two. */
export function differingParts(declared: Expressions, found: Expressions): readonly ('using' | 'check')[] {
  return (['using', 'check'] as const).filter((part) => declared[part] !== found[part]);
}

/** Without brackets around the whole. Quotes may hold brackets: such a text is left as it is, and the server asked. */
function withoutBrackets(text: string): string {
  const trimmed = text.trim();
  if (!trimmed.startsWith('(') || !trimmed.endsWith(')') || /['"$-]/.test(trimmed)) return trimmed;
  const inner = trimmed.slice(1, -1);
  let depth = 0;
  for (const character of inner) {
    depth += character === '(' ? 1 : character === ')' ? -1 : 0;
    if (depth < 0) return trimmed;
  }
  return inner.trim();
}
