import { expect, test } from 'vitest';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';
import { leavingAlone } from '../../../src/roles/retirement.ts';

const FILE = `
version: 1
mode: exact
scope: { roles: ["*"] }
groups: { app_owner: {} }
retire: [{ role: svc_old }, { role: svc_older, reassign_to: app_owner }]
`;

test('roles that are left alone are neither retired nor undeclared; one that the file declares is as it says', () => {
  const document = leavingAlone(parseRolesDocument(FILE, 'roles.yaml'), ['svc_old', 'svc_*', 'app_owner']);
  expect(document.scope.ignoreRoles).toEqual(['pg_*', 'svc_old', String.raw`svc_\*`]);
  expect(document.retire.map(({ role }) => role)).toEqual(['svc_older']);
});
