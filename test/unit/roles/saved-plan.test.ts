import { describe, expect, it } from 'vitest';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';
import { planRoles } from '../../../src/roles/plan.ts';
import {
  asSaved,
  formatSavedPlan,
  parseSavedPlan,
  savePlan,
  whatMoved,
  type SavedPlan,
  type SavedPlanGrounds,
} from '../../../src/roles/saved-plan.ts';
import { role, type ObservedState, type PasswordFinding } from '../../../src/roles/state.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

const TEXT = `version: 1
groups: { owner: {}, reader: {} }
databases: { music: { schemas: { core: { owner: owner } } } }`;
const NOW = new Date('2026-11-21T00:00:00Z');
const MADE = { at: NOW, tool: 'dbadmin 0.1.0', cluster: 'main' };

function clusterOf(): SimulatedCluster {
  const cluster = new SimulatedCluster();
  for (const name of ['postgres', 'owner', 'reader', 'outsider'])
    cluster.make({ kind: 'create-role', role: name, login: false, attributes: {} });
  cluster.schemas.set('core', {
    owner: 'owner',
    acl: [{ grantee: role('reader'), privilege: 'USAGE', grantor: 'owner', grantable: false }],
  });
  cluster.schemas.set('other', { owner: 'outsider', acl: [] });
  return cluster;
}

function grounds(observed: ObservedState, sha256 = 'a'.repeat(64), text = TEXT): SavedPlanGrounds {
  const document = parseRolesDocument(text, 'roles.yaml');
  return { document, file: { name: 'roles.yaml', sha256 }, observed, plan: planRoles(document, observed, NOW) };
}

function saved(cluster = clusterOf()): SavedPlan {
  return parseSavedPlan(formatSavedPlan(savePlan(grounds(cluster.observe()), MADE)), 'p.json');
}

describe('a saved plan', () => {
  it('is the same after it was written and read, whoever made it and when', () => {
    const plan = saved();
    expect(plan.changes.length).toBeGreaterThan(0);
    expect(whatMoved(plan, grounds(clusterOf().observe()))).toEqual([]);
    expect(savePlan(grounds(clusterOf().observe()), { ...MADE, at: new Date(0), cluster: 'x' }).sha256).toBe(plan.sha256);
  });

  it('does not mind the order in which the catalog is read', () => {
    const turned = clusterOf();
    const roles = [...turned.roles].reverse();
    turned.roles.clear();
    for (const [name, each] of roles) turned.roles.set(name, each);
    expect(whatMoved(saved(), grounds(turned.observe()))).toEqual([]);
  });

  it('does not mind what lies outside of the scope', () => {
    const cluster = clusterOf();
    cluster.make({ kind: 'create-role', role: 'stranger', login: true, attributes: {} });
    cluster.make({
      kind: 'grant-membership',
      role: 'outsider',
      member: 'stranger',
      grantor: 'postgres',
      admin: false,
      inherit: true,
      set: true,
      until: undefined,
      was: undefined,
    });
    expect(whatMoved(saved(), grounds(cluster.observe()))).toEqual([]);
  });

  it.each<[string, (cluster: SimulatedCluster) => void, RegExp]>([
    [
      'a role',
      (cluster) => cluster.make({ kind: 'alter-role', role: 'reader', login: true, attributes: {}, was: { attributes: {} } }),
      /The cluster has changed: roles\./,
    ],
    [
      'a membership',
      (cluster) =>
        void cluster.memberships.push({ role: 'reader', member: 'outsider', grantor: 'postgres', admin: false, inherit: true, set: true }),
      /changed: memberships\./,
    ],
    [
      'a setting',
      (cluster) => void cluster.settings.push({ role: 'reader', database: undefined, name: 'work_mem', value: '8MB' }),
      /changed: settings\./,
    ],
    ['a schema', (cluster) => void cluster.schemas.set('core', { owner: 'reader', acl: [] }), /changed: schemas of music\./],
  ])('tells that %s has changed', (_name, change, sentence) => {
    const cluster = clusterOf();
    change(cluster);
    expect(whatMoved(saved(), grounds(cluster.observe())).join('\n')).toMatch(sentence);
  });

  it('tells another text of the file, another cluster and another role apart', () => {
    const observed = clusterOf().observe();
    expect(whatMoved(saved(), grounds(observed, 'b'.repeat(64)))).toEqual(['roles.yaml has another text than then.']);
    const elsewhere = { ...observed, cluster: { ...observed.cluster, systemIdentifier: '2' } };
    expect(whatMoved(saved(), grounds(elsewhere))).toEqual(['It was made for the cluster with system identifier 1, and this one has 2.']);
    const unknown = { ...observed, cluster: { ...observed.cluster, systemIdentifier: '' } };
    expect(whatMoved(saved(), grounds(unknown))).toEqual([]);
  });

  it('leaves out passwords that its maker could not compare', () => {
    const seen = (finding: PasswordFinding): ObservedState => ({ ...clusterOf().observe(), passwords: new Map([['reader', finding]]) });
    const text = TEXT.replace(
      'groups: { owner: {}, reader: {} }',
      'groups: { owner: {} }\nservices: { reader: { password: { from: env, name: PW } } }',
    );
    const plan = savePlan(grounds(seen('unreadable'), undefined, text), MADE);
    expect(plan.uncompared).toEqual(['reader']);
    expect(whatMoved(plan, grounds(asSaved(seen('differs'), plan), undefined, text))).toEqual([]);
    expect(whatMoved(plan, grounds(seen('differs'), undefined, text))).not.toEqual([]);
  });

  it('is refused when somebody has changed it', () => {
    const text = formatSavedPlan(savePlan(grounds(clusterOf().observe()), MADE));
    expect(() => parseSavedPlan(text.replace('"reader"', '"outsider"'), 'p.json')).toThrow('p.json has been changed since it was saved');
  });

  it.each([
    ['{"format":"dbadmin-roles-plan","version":2}', 'plan-stale', 'p.json is a saved plan of version 2, and this dbadmin knows version 1'],
    ['{"format":"dbadmin-migration-plan","version":1}', 'usage', 'p.json is not a saved plan of roles'],
    ['[1]', 'usage', 'p.json is not a saved plan of roles'],
    ['nonsense', 'usage', 'p.json is not a saved plan: it is not JSON'],
  ])('is not made of %s', (text, code, message) => {
    expect(() => parseSavedPlan(text, 'p.json')).toThrow(expect.objectContaining({ code, message }));
  });
});
