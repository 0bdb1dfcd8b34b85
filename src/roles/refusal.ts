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
      hint: lines.some((line) => line.includes('does not exist'))
        ? 'Nothing was changed. Objects are made by migrations: run those first, or correct the file.'
        : 'Nothing was changed. Correct the file.',
    });
  }
}
