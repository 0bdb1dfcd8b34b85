import { inspect } from 'node:util';

/**
 * A password, key or token. Prints as `***` everywhere; only {@link Secret.reveal} gives the text.
 *
 * Made from the text, or from a function that fetches it the first time it is revealed: a command that needs no
 * passphrase must not fail, nor ask a password manager, because one is configured.
 */
export class Secret {
  #source: string | (() => string);

  constructor(source: string | (() => string)) {
    this.#source = source;
  }

  reveal(): string {
    if (typeof this.#source === 'function') this.#source = this.#source();
    return this.#source;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return '***';
  }
}
