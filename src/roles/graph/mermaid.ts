import { printable } from '../../base/printable.ts';
import type { GraphAccess, GraphRole, RoleGraph } from './graph.ts';

/** How a role looks: people and services that log in are round, groups have corners, the server's own roles are slanted. */
const SHAPES: Readonly<Record<GraphRole['kind'], readonly [open: string, close: string]>> = {
  login: ['([', '])'],
  group: ['[', ']'],
  predefined: ['[/', '/]'],
  outside: ['[', ']'],
};

/**
 * A Mermaid flowchart: an arrow goes from a member to the role it is in, a dotted one to the schemas and databases where a
 * role may do something. Equal graphs give equal texts.
 *
 * @see https://mermaid.js.org/syntax/flowchart.html
 */
export function mermaidText(graph: RoleGraph): string {
  const ids = new Map(graph.roles.map((role, index) => [role.name, `r${index}`]));
  const places = placesOf(graph.access);
  const lines = ['flowchart LR'];
  for (const role of graph.roles) {
    const [open, close] = SHAPES[role.kind];
    const label = [role.name, ...role.powers].map(labelText).join('<br/>');
    lines.push(`  ${ids.get(role.name) ?? ''}${open}"${label}"${close}:::${role.powers.includes('superuser') ? 'superuser' : role.kind}`);
  }
  for (const { member, role, options } of graph.memberships) {
    const label = options.length === 0 ? '' : `|"${options.map(labelText).join(', ')}"|`;
    lines.push(`  ${ids.get(member) ?? ''} -->${label} ${ids.get(role) ?? ''}`);
  }
  if (graph.access.some((access) => access.role === undefined)) lines.push('  everybody{{"PUBLIC"}}:::public');
  for (const [place, id] of places) {
    const { database, schema } = place;
    lines.push(`  ${id}[("${labelText(schema === undefined ? database : `${database}.${schema}`)}")]:::place`);
  }
  for (const access of graph.access) {
    const from = access.role === undefined ? 'everybody' : (ids.get(access.role) ?? '');
    const place = [...places].find(([each]) => each.database === access.database && each.schema === access.schema);
    lines.push(`  ${from} -.->|"${access.what.map(labelText).join('<br/>')}"| ${place?.[1] ?? ''}`);
  }
  return `${[...lines, ...STYLES].join('\n')}\n`;
}

const STYLES = [
  '  classDef login fill:#dbeafe,stroke:#1d4ed8,color:#0f172a',
  '  classDef group fill:#f1f5f9,stroke:#475569,color:#0f172a',
  '  classDef predefined fill:#fef9c3,stroke:#a16207,color:#0f172a',
  '  classDef outside fill:#ffffff,stroke:#94a3b8,color:#0f172a,stroke-dasharray: 4 3',
  '  classDef superuser fill:#fee2e2,stroke:#b91c1c,color:#0f172a',
  '  classDef public fill:#ffedd5,stroke:#c2410c,color:#0f172a',
  '  classDef place fill:#dcfce7,stroke:#15803d,color:#0f172a',
] as const;

type Place = Pick<GraphAccess, 'database' | 'schema'>;

function placesOf(access: readonly GraphAccess[]): ReadonlyMap<Place, string> {
  const places = new Map<string, Place>();
  for (const { database, schema } of access) places.set(JSON.stringify([database, schema ?? null]), { database, schema });
  const sorted = [...places].sort(([left], [right]) => (left < right ? -1 : 1));
  return new Map(sorted.map(([, place], index) => [place, `s${index}`]));
}

/** Text between double quotes. What Mermaid would read as something else becomes an entity, written as it has them: #35; */
export function labelText(text: string): string {
  return printable(text).replaceAll(/[#"<>&`;[\]{}()|\\]/g, (character) => `#${character.codePointAt(0) ?? 0};`);
}
