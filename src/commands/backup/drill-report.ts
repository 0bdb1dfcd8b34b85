import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import type { DrillReport } from '../../backup/drill/report.ts';
import { checkSignature, fingerprintOf, publicKeyOfPem, readSigned, type SignedReport } from '../../backup/drill/signature.ts';
import { defaultKeyFile, publicKeyPem, publicKeyText, readKey, signingKey } from '../../backup/drill/signing-key-apply.ts';
import { readReport } from '../../repository/reports.ts';
import { listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { ownLineage } from '../own-lineage.ts';

/** Where the private key is: as --key, DBADMIN_DRILL_KEY or paths.drill_key says, else in the state directory. Only to look at keys, no configuration is needed. */
export async function keyFileOf(context: CommandContext, input: CommandInput): Promise<string> {
  const named = textOption(input, 'key') ?? context.env['DBADMIN_DRILL_KEY'];
  if (named !== undefined && named !== '') return path.resolve(context.cwd, named);
  try {
    const { config } = await loadProject(context, input);
    return config.paths.drillKey ?? defaultKeyFile(context.env);
  } catch (error) {
    if (!isDbadminError(error, 'config-missing')) throw error;
    return defaultKeyFile(context.env);
  }
}

/** The key that signs. That a new one is made is said: behind a name typed wrong it signs reports that nobody believes. */
export async function keyToSignWith(context: CommandContext, input: CommandInput): Promise<KeyObject> {
  const file = await keyFileOf(context, input);
  const { key, isNew } = await signingKey(file);
  if (isNew) {
    const fingerprint = fingerprintOf(publicKeyText(key));
    context.log.warn(`there was no key in ${file}: a new one was made there, ${fingerprint}, which nobody knows yet who verifies reports`);
  }
  return key;
}

/** `--public-key`: what others need to believe this user's reports. */
export async function printPublicKey(context: CommandContext, input: CommandInput): Promise<number> {
  const key = await keyToSignWith(context, input);
  const pem = publicKeyPem(key);
  const fingerprint = fingerprintOf(publicKeyText(key));
  if (context.output.json) context.output.result({ publicKey: pem, fingerprint });
  else context.output.raw(pem);
  context.output.note(`fingerprint ${fingerprint}`);
  return 0;
}

/**
 * `--verify-report`: whether a report is as it was signed, by a key that is known.
 *
 * @throws {DbadminError} `signature-invalid` when something in it was changed, or nobody here knows its key.
 */
export async function verifyReport(context: CommandContext, input: CommandInput): Promise<number> {
  const name = textOption(input, 'verifyReport') ?? '';
  const document = (await readDocument(path.resolve(context.cwd, name))) ?? (await readStored(context, input, name));
  const state = checkSignature(document, await trustedKeys(context, input));
  if (state.kind === 'invalid')
    throw new DbadminError('signature-invalid', `the report ${name} is not what was signed`, { detail: state.reason });
  if (state.kind === 'unknown-key') {
    throw new DbadminError('signature-invalid', `the report ${name} is signed with a key that is not known here`, {
      detail: `The signature fits, and the key's fingerprint is ${state.fingerprint}; anybody can make a key.`,
      hint: 'Get the public key from whoever ran the drill (dbadmin backup drill --public-key) and give it with --trusted-key FILE.',
    });
  }
  const report = (document as SignedReport).report as DrillReport;
  const { output } = context;
  output.line(`${output.style('good', 'as signed')}  ${report.label}   key ${state.fingerprint}`);
  output.line(`           drill of ${report.cluster} at ${report.finishedAt}: ${report.verdict}`);
  output.result({ valid: true, fingerprint: state.fingerprint, report });
  return 0;
}

/** The public keys whose reports are believed: those named, and this user's own. */
export async function trustedKeys(context: CommandContext, input: CommandInput): Promise<readonly string[]> {
  const files = listOption(input, 'trustedKey');
  const named = await Promise.all(
    files.map(async (file) => {
      const pem = await readFile(path.resolve(context.cwd, file), 'utf8').catch((error: unknown) => {
        throw new DbadminError('file-unreadable', `cannot read the key ${file}`, { detail: messageOf(error), cause: error });
      });
      return publicKeyOfPem(pem, file);
    }),
  );
  const own = await readKey(await keyFileOf(context, input));
  return own === undefined ? named : [...named, publicKeyText(own)];
}

async function readDocument(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: messageOf(error), cause: error });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** An old report that passed, laid down as a new one: its signature fits, and is of another drill. What is no report at all is refused by its signature. */
function refuseAnother(document: unknown, label: string, systemIdentifier: string): void {
  const signed = readSigned(document);
  if (signed === undefined) return;
  const { label: its, systemIdentifier: of } = signed.report as Readonly<Record<string, unknown>>;
  if (its === label && of === systemIdentifier) return;
  throw new DbadminError('signature-invalid', `the report stored as ${label} is that of another drill`, {
    detail: `What was signed is ${String(its)} of the cluster with the system identifier ${String(of)}: somebody copied it, or changed it.`,
  });
}

/** The stored report of a label. @throws {DbadminError} `usage` when there is none, `signature-invalid` when it is of another drill. */
export async function readStored(context: CommandContext, input: CommandInput, label: string): Promise<unknown> {
  const { config, cluster } = await loadProject(context, input);
  const repository = await openRepository(context, selectRepository(config, cluster, textOption(input, 'repository')));
  try {
    const { systemIdentifier } = await ownLineage(input, cluster, repository);
    if (!/^[\w-]+$/.test(label)) throw new DbadminError('usage', `there is neither a file nor a drill "${label}"`);
    const document = await readReport(repository, systemIdentifier, 'drill', label);
    refuseAnother(document, label, systemIdentifier);
    return document;
  } catch (error) {
    if (!isDbadminError(error, 'storage-missing')) throw error;
    throw new DbadminError('usage', `there is neither a file nor a drill "${label}"`, {
      hint: 'dbadmin backup drill --list names them.',
    });
  } finally {
    await repository.store.close();
  }
}
