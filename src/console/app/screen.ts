import type { ComponentType } from 'preact';
import type { Session } from './api.ts';

export interface ScreenProps {
  readonly session: Session;
}

/** One screen of the side bar. */
export interface Screen {
  /** `/backups`; what it shows (cluster, tab, filters) stands in the query, see query.ts. */
  readonly path: string;
  readonly title: string;
  readonly Screen: ComponentType<ScreenProps>;
}
