import { messageOf, systemCodeOf } from '../base/errors.ts';

/** Of a relation, a function, a type or a schema to make something in: what a session that begins names by itself, as by a trigger on login. */
const NOTHING_FOUND: ReadonlySet<string> = new Set(['42P01', '42883', '42704', '3F000']);

/**
 * Whether the empty search_path that is said at the start of a connection may be why there is none: who does not take it says protocol_violation, as
 * PgBouncer, or feature_not_supported, as RDS Proxy ("currently doesn't support the option search_path", "command-line options").
 */
export function isStartRefused(error: unknown): boolean {
  const code = systemCodeOf(error) ?? '';
  return code === '0A000' || NOTHING_FOUND.has(code) || (code === '08P01' && /startup parameter/.test(messageOf(error)));
}
