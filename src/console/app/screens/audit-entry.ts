import { lazy } from '../lazy.tsx';
import type { Screen } from '../screen.ts';

export const AUDIT_SCREENS: readonly Screen[] = [
  { path: '/audit', title: 'Audit trail', Screen: lazy('the audit trail', async () => (await import('./audit.tsx')).Audit) },
];
