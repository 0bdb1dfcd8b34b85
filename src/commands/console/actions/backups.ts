import { z } from 'zod';
import { action, type Action } from '../../../console/action.ts';
import { option, optionalText } from '../parameters.ts';

export const BACKUP_ACTIONS: readonly Action[] = [
  action({
    name: 'backups/run',
    parameters: z.strictObject({ cluster: optionalText, repository: optionalText, type: z.enum(['full', 'incremental']).optional() }),
    apply: ({ cluster, repository, type }) => [
      'backup',
      'run',
      ...option('cluster', cluster),
      ...option('repository', repository),
      ...option('type', type),
    ],
    cluster: ({ cluster }) => cluster,
  }),
];
