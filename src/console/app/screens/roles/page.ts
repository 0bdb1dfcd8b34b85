import type { Session } from '../../api.ts';
import type { Query } from '../../query.ts';
import type { Shown } from '../../words.ts';

/** What the parts of this screen share: where they look, and what the address says. */
export interface RolesPage {
  readonly session: Session;
  readonly shown: Shown;
  readonly query: Query;
  readonly change: (changes: Readonly<Record<string, string | undefined>>) => void;
  /** The cluster and database that are looked into; undefined is the usual one of the project. */
  readonly place: { readonly cluster: string | undefined; readonly database: string | undefined };
}
