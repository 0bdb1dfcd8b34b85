import { DbadminError } from '../base/errors.ts';
import type { GuardedApp } from './guarded.ts';

/** A stored picture, as a browser shows it. */
export interface Picture {
  /** `image/jpeg` and the like. */
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The cover of that number in a cluster, the usual one without a name; undefined where there is none. */
export type ReadCover = (id: string, cluster: string | undefined) => Promise<Picture | undefined>;

/** What a browser draws and can run nothing in. */
const TYPES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif']);

/** `GET /api/pictures/cover/12`: covers come from here, so that a page of listening asks nobody else. */
export function addPictures(app: GuardedApp, readCover: ReadCover): void {
  app.get('/api/pictures/cover/:id', async (context) => {
    const id = context.req.param('id');
    if (!/^[1-9]\d{0,17}$/.test(id)) throw new DbadminError('usage', 'a cover has a number');
    const picture = await readCover(id, context.req.query('cluster'));
    if (picture === undefined || !TYPES.has(picture.type)) return context.body(null, 404);
    return context.body(picture.body, 200, {
      'content-type': picture.type,
      // Only for who is signed in, in this browser.
      'cache-control': 'private, max-age=3600',
    });
  });
}
