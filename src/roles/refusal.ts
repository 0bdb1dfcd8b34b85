import { DbadminError } from '../base/errors.ts';
import type { Position, RolesDocument } from './document/document.ts';

/** Collects what the file asks of this server and cannot have, so that all of it is said at once. */
export class Refusals {
  readonly #found: { readonly at: Position; readonly message: string }[] = [];
  readonly #file: string;

  constructor(document: RolesDocument) {
    this.#file = document.file;
  }

  add(at: Position, message: string): void {
    this.#found.push({ at, message });
  }

  /** @throws {DbadminError} `roles-invalid` when anything was added. */
  throwIfAny(): void {
    if (this.#found.length === 0) return;
    const sorted = [...this.#found].sort((left, right) => left.at.line - right.at.line || left.at.column - right.at.column);
    const lines = [...new Set(sorted.map(({ at, message }) => `${this.#file}:${at.line}:${at.column}: ${message}`))];
    const count = `${lines.length} ${lines.length === 1 ? 'thing' : 'things'}`;
    throw new DbadminError('roles-invalid', `${this.#file} asks for ${count} that this server cannot give`, {
      detail: lines.join('\n'),
      hint: 'Nothing was changed. Objects are made by migrations: run those first, or correct the file.',
    });
  }
}

/**
 * Refuses a file that asks for what is not applied yet: a rule that is ignored is worse than none.
 *
 * @throws {DbadminError} `roles-unsupported` naming each with its line.
 */
export function refuseUnsupported(document: RolesDocument): void {
  if (document.unsupported.length === 0) return;
  const lines = document.unsupported.map(({ what, at }) => `${document.file}:${at.line}:${at.column}: ${what}`);
  throw new DbadminError(
    'roles-unsupported',
    `${document.file} asks for ${lines.length} thing${lines.length === 1 ? '' : 's'} not applied yet`,
    {
      detail: lines.join('\n'),
      hint: 'Nothing was changed. Take these out of the file; row security and column privileges can be written in a migration.',
    },
  );
}
