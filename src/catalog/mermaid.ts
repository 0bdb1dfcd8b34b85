import { oneLine } from './names.ts';
import type { Diagram, Reference } from './diagram.ts';

/**
 * The diagram for Mermaid. Its grammar takes plain words for types and columns only, so that other names are written with
 * underscores there; the tables below have them as they are.
 *
 * @see https://mermaid.js.org/syntax/entityRelationshipDiagram.html
 */
export function mermaidOf({ entities, references }: Diagram): string {
  const ids = new Map(entities.map(({ id }, at) => [id, `t${at + 1}`]));
  const lines = entities.map(({ id, label, columns }) => {
    const head = `  ${ids.get(id)}["${text(label)}"]`;
    if (columns.length === 0) return head;
    const rows = columns.map(({ name, type, marks }) => `    ${word(type)} ${word(name)} ${marks.join(', ')}`);
    return `${head} {\n${rows.join('\n')}\n  }`;
  });
  const arrows = references.map(
    (each) => `  ${ids.get(each.to)} ${parentEnd(each)}--${childEnd(each)} ${ids.get(each.from)} : "${text(each.columns.join(', '))}"`,
  );
  return ['erDiagram', ...lines, ...arrows].join('\n');
}

const parentEnd = ({ isOptional }: Reference): string => (isOptional ? '|o' : '||');
const childEnd = ({ isUnique }: Reference): string => (isUnique ? 'o|' : 'o{');

/** Letters, digits and underscores, beginning with a letter. */
function word(name: string): string {
  const plain = name.replaceAll(/[^\p{L}\p{N}_]+/gu, '_').replaceAll(/^_+|_+$/g, '');
  return /^\p{L}/u.test(plain) ? plain : `c_${plain}`;
}

/** Within quotes; the code block it stands in is closed by nothing of it. */
function text(label: string): string {
  return oneLine(label).replaceAll('"', '#quot;').replaceAll('`', '#96;').replaceAll('<', '#lt;').replaceAll('>', '#gt;');
}
