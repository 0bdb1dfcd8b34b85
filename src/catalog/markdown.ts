import { mermaidOf } from './mermaid.ts';
import { oneLine } from './names.ts';
import type { Dictionary, Entry, List, SchemaPart } from './describe.ts';

export const GENERATED = 'Written by dbadmin docs from the catalog. Change the comments of the objects, not this.';

/** The dictionary in Markdown, with a Mermaid diagram for each schema. */
export function markdownOf(dictionary: Dictionary): string {
  const { title, comment, facts, schemas } = dictionary;
  const overview = schemas.map(
    (schema) =>
      `| [${cell(schema.name)}](#${schema.anchor}) | ${cell(schema.comment)} | ${schema.groups.map(({ title, entries }) => counted(entries.length, title)).join(', ')} |`,
  );
  return `${[
    `<!-- ${GENERATED} -->`,
    `# ${prose(title)}`,
    ...paragraph(comment),
    facts.map(prose).join(' · '),
    ...(schemas.length === 0 ? ['No schema has anything.'] : [`| schema | what it holds | |\n|---|---|---|\n${overview.join('\n')}`]),
    ...schemas.map(schemaSection),
  ].join('\n\n')}\n`;
}

/** `1 table`, `2 tables`: titles are plural. */
function counted(count: number, title: string): string {
  const word = title.toLowerCase();
  return `${count} ${count === 1 ? word.replace(/s$/, '') : word}`;
}

function schemaSection(schema: SchemaPart): string {
  return [
    `<a id="${schema.anchor}"></a>\n\n## Schema ${prose(schema.name)}`,
    ...paragraph(schema.comment),
    schema.facts.map(prose).join(' · '),
    ...schema.lists.map(listSection),
    ...(schema.diagram === undefined ? [] : [`\`\`\`mermaid\n${mermaidOf(schema.diagram)}\n\`\`\``]),
    ...schema.groups.flatMap(({ title, entries }) => [`### ${title} of ${prose(schema.name)}`, ...entries.map(entrySection)]),
  ].join('\n\n');
}

function entrySection(entry: Entry): string {
  return [
    `<a id="${entry.anchor}"></a>\n\n#### ${prose(entry.name)}`,
    ...paragraph(entry.comment),
    `*${entry.facts.map(prose).join(' · ')}*`,
    ...(entry.code === undefined ? [] : [code(entry.code)]),
    ...(entry.columns.length === 0 ? [] : [columnTable(entry)]),
    ...entry.lists.map(listSection),
  ].join('\n\n');
}

function columnTable({ columns }: Entry): string {
  const rows = columns.map(
    ({ name, type, isNotNull, fallback, keys, comment }) =>
      `| ${cellCode(name)} | ${cellCode(type)} | ${keys.join(' ')} | ${isNotNull ? 'not null' : ''} | ${fallback === undefined ? '' : cellCode(fallback)} | ${cell(comment)} |`,
  );
  return `| column | type | key | | default | |\n|---|---|---|---|---|---|\n${rows.join('\n')}`;
}

function listSection({ title, items }: List): string {
  return `${title}:\n\n${items.map((item) => `- ${code(item.code)}${item.text === undefined ? '' : `: ${prose(item.text)}`}`).join('\n')}`;
}

function paragraph(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [prose(text)];
}

/** Text in which no letter means anything to Markdown or HTML. */
function prose(text: string): string {
  return oneLine(text)
    .replaceAll(/[\\`*_[\]{}<>#|~!$]/g, (letter) => (letter === '<' ? '&lt;' : letter === '>' ? '&gt;' : `\\${letter}`))
    .replaceAll(/&(?=#?\w+;)(?!lt;|gt;)/g, '&amp;')
    .replace(/^(\d+)([.)])/, '$1\\$2')
    .replace(/^([-+=])/, '\\$1');
}

/** As code, whatever backticks it holds. */
function code(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = text.startsWith('`') || text.endsWith('`') || text.trim() === '' ? ' ' : '';
  return `${fence}${pad}${text}${pad}${fence}`;
}

/** A bar ends a cell even within code. */
const cellCode = (text: string): string => code(text).replaceAll('|', String.raw`\|`);

function cell(text: string | undefined): string {
  return text === undefined ? '' : prose(text);
}
