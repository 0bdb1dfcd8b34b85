import { DbadminError, messageOf } from '../../base/errors.ts';
import { CopyBuffer, copyText } from './copy-buffer.ts';
import type { CopyRows } from './copy-rows.ts';
import { readDocument, type DocumentEntry, type Page } from './documents.ts';
import { entryLines } from './entry-lines.ts';
import { jsonFaultLine } from './json-fault.ts';

/** What a document may weigh: it is read whole. Exports and pages stay far below. */
export const DOCUMENT_BYTES = 67_108_864;

/**
 * The value in the text of a document.
 *
 * @throws {DbadminError} `load-failed` with the line, when it is not JSON in UTF-8.
 */
export function parseDocument(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const until = bytes.toString('utf8').split('\uFFFD')[0] ?? '';
    throw new DbadminError('load-failed', `line ${until.split('\n').length} is not UTF-8 text`, {
      hint: 'Say what it is, for example --encoding windows-1252.',
      cause: error,
    });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DbadminError('load-failed', `line ${jsonFaultLine(text) ?? 1} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

/** Rows of a document: entries of playlists or of a library, or one page. Read whole, taken apart at its end. */
export function documentRows(batchId: string, loadedAt: Date): CopyRows {
  const out = new CopyBuffer(batchId);
  const chunks: Buffer[] = [];
  let statement = '';
  return {
    get rows() {
      return out.rows;
    },
    push: (chunk) => (chunks.push(chunk), []),
    end: () => {
      const bytes = Buffer.concat(chunks);
      const content = readDocument(parseDocument(bytes));
      if (content === undefined) throw new DbadminError('load-failed', 'line 1 begins another document than was there a moment ago');
      if (content.kind === 'page') {
        addPage(out, content.page, loadedAt);
        statement = 'copy raw.page (batch_id, row_no, line_no, hash, endpoint, url, status, fetched_at, body) from stdin';
      } else {
        addEntries(out, content.entries, content.kind, bytes);
        const column = content.kind === 'library' ? 'list' : 'layout';
        statement = `copy raw.${content.kind}_entry (batch_id, row_no, line_no, hash, ${column}, body) from stdin`;
      }
      return out.take(true);
    },
    statement: () => statement,
    lineOf: (row) => out.lineOf(row),
  };
}

function addEntries(out: CopyBuffer, entries: readonly DocumentEntry[], kind: 'library' | 'playlist', bytes: Buffer): void {
  const lines = entryLines(bytes.toString('utf8').replace(/^\uFEFF/, ''));
  for (const { path, list, value } of entries) {
    const extra = kind === 'library' ? copyText(list ?? '') : 'account_export';
    out.addValue(value, JSON.stringify(value), lines.get(path.join('.')) ?? 1, `${extra}\t`);
  }
}

function addPage(out: CopyBuffer, page: Page, loadedAt: Date): void {
  const columns = [page.endpoint, page.url, String(page.status), page.fetchedAt ?? loadedAt.toISOString()];
  out.addValue(page.body, JSON.stringify(page.body), 1, `${columns.map(copyText).join('\t')}\t`);
}
