import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import { compareWritten, type Staleness } from '../../catalog/compare.ts';
import { describeCatalog } from '../../catalog/describe.ts';
import { htmlOf } from '../../catalog/html.ts';
import { inspectCatalog } from '../../catalog/inspect.ts';
import { markdownOf } from '../../catalog/markdown.ts';
import { undocumentedOf, type Undocumented } from '../../catalog/undocumented.ts';
import { readWritten, writeDictionary } from '../../catalog/write-apply.ts';
import { DbadminError } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { flagOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';

const EXIT_NOT_IN_SYNC = 2;
const SHOWN = 20;

interface Page {
  readonly file: string;
  readonly text: string;
}

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const out = textOption(input, 'out');
  const [isCheck, requiresComments] = [flagOption(input, 'check'), flagOption(input, 'requireComments')];
  if (isCheck && out === undefined) throw new DbadminError('usage', '--check needs --out: where the dictionary is');
  const { config, cluster } = await loadProject(context, input);
  const database = textOption(input, 'database') ?? cluster.connection.database;
  const sql = await openClient({ ...cluster.connection, database }, { applicationName: 'dbadmin docs' });
  let catalog: Catalog;
  try {
    catalog = await inspectCatalog(sql, { schemas: listOption(input, 'schema'), without: [config.migrate.schema] });
  } finally {
    await sql.end({ timeout: 5 });
  }
  const dictionary = describeCatalog(catalog, textOption(input, 'title') ?? catalog.database);
  const format = textOption(input, 'format');
  const pages: readonly Page[] = [
    ...(format === 'html' ? [] : [{ file: 'dictionary.md', text: markdownOf(dictionary) }]),
    ...(format === 'markdown' || (format === undefined && out === undefined)
      ? []
      : [{ file: 'dictionary.html', text: htmlOf(dictionary) }]),
  ].map(({ file, text }) => ({ file: out === undefined ? file : path.resolve(context.cwd, out, file), text }));

  const undocumented = undocumentedOf(catalog);
  const stale = isCheck ? await staleness(pages) : [];
  if (out === undefined) for (const { text } of pages) if (!output.json) output.raw(text);
  if (out !== undefined && !isCheck) for (const { file, text } of pages) await writeDictionary(file, text);
  if (out !== undefined) tell(context, { pages, stale, isCheck });
  tellUndocumented(context, undocumented, requiresComments);
  output.result({
    database: catalog.database,
    schemas: catalog.schemas.map(({ name, relations, types, routines }) => ({
      name,
      relations: relations.length,
      types: types.length,
      routines: routines.length,
    })),
    undocumented,
    stale,
    written: out === undefined || isCheck ? [] : pages.map(({ file }) => file),
  });
  return stale.length > 0 || (requiresComments && undocumented.length > 0) ? EXIT_NOT_IN_SYNC : 0;
}

async function staleness(pages: readonly Page[]): Promise<readonly Staleness[]> {
  const found: Staleness[] = [];
  for (const { file, text } of pages) {
    const stale = compareWritten(file, await readWritten(file), text);
    if (stale !== undefined) found.push(stale);
  }
  return found;
}

function tell(
  { output, cwd }: CommandContext,
  { pages, stale, isCheck }: { readonly pages: readonly Page[]; readonly stale: readonly Staleness[]; readonly isCheck: boolean },
): void {
  const shown = (file: string): string => path.relative(cwd, file) || file;
  for (const { file } of pages) {
    const found = stale.find((each) => each.file === file);
    if (!isCheck) output.line(`written     ${shown(file)}`);
    else if (found === undefined) output.line(`up to date  ${shown(file)}`);
    else if (found.state === 'missing') output.line(`missing     ${shown(file)}`);
    else output.line(`out of date ${shown(file)}: ${some(found.sections)}`);
  }
  if (stale.length > 0) output.note('write it anew: dbadmin docs --out DIRECTORY, with the same options');
}

function tellUndocumented({ output }: CommandContext, undocumented: readonly Undocumented[], requiresComments: boolean): void {
  if (undocumented.length === 0) return;
  if (!requiresComments) {
    output.note(`${undocumented.length} without a comment: --require-comments names them`);
    return;
  }
  for (const { kind, name } of undocumented) output.note(`no comment on ${kind} ${name}`);
}

function some(names: readonly string[]): string {
  return names.length <= SHOWN ? names.join(', ') : `${names.slice(0, SHOWN).join(', ')} and ${names.length - SHOWN} more`;
}
