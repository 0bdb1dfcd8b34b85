import { z } from 'zod';
import { action, type Action } from '../../../console/action.ts';
import { option, optionalText, text } from '../parameters.ts';

const place = { cluster: optionalText, repository: optionalText };
type Place = { readonly [Name in keyof typeof place]?: string | undefined };

export const REPOSITORY_ACTIONS: readonly Action[] = [
  action({
    name: 'repositories/verify',
    parameters: z.strictObject({ ...place, extent: z.enum(['5%', 'all']).optional() }),
    apply: ({ extent, ...at }) => ['backup', 'verify', ...(extent === 'all' ? ['--read-data'] : option('sample', extent)), ...placed(at)],
    cluster: ({ cluster }) => cluster,
  }),
  action({
    name: 'repositories/expire',
    parameters: z.strictObject(place),
    review: (at) => ['backup', 'expire', ...placed(at)],
    apply: (at) => ['backup', 'expire', '--apply', ...placed(at)],
    cluster: ({ cluster }) => cluster,
  }),
  action({
    name: 'repositories/rebuild-index',
    parameters: z.strictObject(place),
    review: (at) => ['repository', 'rebuild-index', '--dry-run', ...placed(at)],
    apply: (at) => ['repository', 'rebuild-index', ...placed(at)],
    cluster: ({ cluster }) => cluster,
  }),
  action({
    name: 'repositories/sync',
    parameters: z.strictObject({ cluster: optionalText, from: text, to: text }),
    review: ({ cluster, from, to }) => ['repository', 'sync', '--dry-run', '--from', from, '--to', to, ...option('cluster', cluster)],
    apply: ({ cluster, from, to }) => ['repository', 'sync', '--from', from, '--to', to, ...option('cluster', cluster)],
    cluster: ({ cluster }) => cluster,
  }),
];

function placed({ cluster, repository }: Place): readonly string[] {
  return [...option('cluster', cluster), ...option('repository', repository)];
}
