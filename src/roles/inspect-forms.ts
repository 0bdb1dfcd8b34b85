import type { TransactionSql } from 'postgres';
import { FILE_FORMS, FIXED_FORMS, WRITTEN_FORMS } from './forms.ts';

/** Gives the transaction the fixed forms, whatever the server, the database or the role are set to. */
export async function fixForms(sql: TransactionSql): Promise<void> {
  await setLocally(sql, FIXED_FORMS);
}

/** The same for the forms by which the server also reads: nothing of the file's may be given to it after this. */
export async function fixWrittenForms(sql: TransactionSql): Promise<void> {
  await setLocally(sql, WRITTEN_FORMS);
}

/** The same for what goes into a file: of those forms only the ones in which every login reads the same. */
export async function fixFileForms(sql: TransactionSql): Promise<void> {
  await setLocally(sql, FILE_FORMS);
}

async function setLocally(sql: TransactionSql, settings: Readonly<Record<string, string>>): Promise<void> {
  await sql`select set_config(key, value, true) from json_each_text(${JSON.stringify(settings)}::text::json)`;
}
