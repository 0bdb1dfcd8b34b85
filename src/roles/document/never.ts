import type { Privilege } from '../privileges.ts';
import type { Position, RoleAttribute } from './document.ts';

/** `never:`: what may not be so, whatever makes it so. Held against what roles can really do, not against what the file grants. */
export type NeverRule =
  | {
      readonly kind: 'can';
      readonly at: Position;
      /** As the file has it. */
      readonly text: string;
      readonly who: NeverSubject;
      readonly privileges: readonly Privilege[];
      readonly on: NeverObject;
      /** Undefined: every database of the file. */
      readonly database: string | undefined;
    }
  | { readonly kind: 'is'; readonly at: Position; readonly text: string; readonly who: NeverSubject; readonly what: NeverQuality };

export interface NeverSubject {
  /** Globs of role names; `public` is PUBLIC; `login` every role that logs in, `role` every role but the server's own. */
  readonly who: readonly string[] | 'public' | 'login' | 'role';
  /** Globs. */
  readonly except: readonly string[];
}

export type NeverQuality =
  | { readonly kind: 'attribute'; readonly attribute: Exclude<RoleAttribute, 'inherit'> }
  | { readonly kind: 'member'; readonly role: string };

export const NEVER_KINDS = [
  'table',
  'column',
  'sequence',
  'routine',
  'type',
  'schema',
  'database',
  'language',
  'foreign data wrapper',
  'server',
  'tablespace',
  'parameter',
] as const;

/** Objects of one kind; each part is a glob. */
export interface NeverObject {
  readonly kind: (typeof NEVER_KINDS)[number];
  /** As the file has it, without the kind. */
  readonly text: string;
  /** Undefined for kinds that are in no schema. */
  readonly schema: string | undefined;
  readonly name: string;
  /** Of a column; then schema and name are no globs. */
  readonly column: string | undefined;
  /** Of a routine, as written; undefined: whatever its arguments are. */
  readonly argumentTypes: string | undefined;
}
