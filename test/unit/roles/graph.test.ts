import { describe, expect, it } from 'vitest';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';
import { graphOfDocument } from '../../../src/roles/graph/from-document.ts';
import { around } from '../../../src/roles/graph/graph.ts';
import { labelText, mermaidText } from '../../../src/roles/graph/mermaid.ts';

const FILE = `
version: 1
profiles: { reader: { tables: [select] }, writer: { include: reader, tables: [insert] } }
groups: { owner: {}, reader: {}, writer: { member_of: reader } }
services: { svc: { member_of: [writer, { role: pg_monitor, inherit: false }], attributes: [createdb] } }
humans: { ann: { member_of: { role: reader, admin: true, until: 2027-01-31 } }, bob: { attributes: [superuser] } }
databases:
  music:
    connect: [bob]
    schemas: { core: { owner: owner } }
    access:
      - { profile: writer, on: core, to: writer }
      - { grant: [execute], on: routine core.f(int), to: reader }
`;

const graph = graphOfDocument(parseRolesDocument(FILE, 'roles.yaml'));

describe('graphOfDocument', () => {
  it('has roles, memberships with what is special about them, and access in words', () => {
    expect(graph.roles.map(({ name, kind, powers }) => [name, kind, ...powers])).toEqual([
      ['ann', 'login'],
      ['bob', 'login', 'superuser'],
      ['owner', 'group'],
      ['pg_monitor', 'predefined'],
      ['reader', 'group'],
      ['svc', 'login', 'createdb'],
      ['writer', 'group'],
    ]);
    expect(graph.memberships).toContainEqual({ member: 'svc', role: 'pg_monitor', options: ['no inherit'] });
    expect(graph.memberships).toContainEqual({
      member: 'ann',
      role: 'reader',
      options: ['admin', 'until 2027-01-31'],
      until: '2027-01-31T00:00:00.000Z',
    });
    expect(graph.access).toContainEqual({ role: 'writer', database: 'music', schema: 'core', what: ['tables: SELECT, INSERT'] });
    expect(graph.access).toContainEqual({ role: 'bob', database: 'music', schema: undefined, what: ['CONNECT'] });
  });
});

describe('around', () => {
  it('keeps what a role reaches and who reaches it', () => {
    expect(around(graph, (name) => name === 'writer').roles.map(({ name }) => name)).toEqual(['reader', 'svc', 'writer']);
    expect(around(graph, (name) => name === 'nobody').roles).toEqual([]);
  });
});

describe('mermaidText', () => {
  it('is a flowchart with every role, membership and access', () => {
    const text = mermaidText(graph);
    expect(text).toMatch(/^flowchart LR\n/);
    expect(text).toContain('  r5(["svc<br/>createdb"]):::login\n');
    expect(text).toContain('  r1(["bob<br/>superuser"]):::superuser\n');
    expect(text).toContain('  r5 -->|"no inherit"| r3\n');
    expect(text).toContain('  r6 --> r4\n');
    expect(text).toContain('  s0[("music.core")]:::place\n');
    expect(text).toContain('  r6 -.->|"tables: SELECT, INSERT"| s0\n');
  });
});

describe('labelText', () => {
  it('leaves nothing that Mermaid would read as its own', () => {
    expect(labelText('a"b]<script>`#;')).toBe('a#34;b#93;#60;script#62;#96;#35;#59;');
    expect(labelText('a\nend')).toBe('a#92;u000aend');
  });
});
