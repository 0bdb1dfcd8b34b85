import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation at the size it has come to, some 10 MB. By itself it grows to 64 where much is made and soon
 * thrown away, as with each of very many files: that is memory, and no time was saved by it.
 *
 * Of the whole process: for commands, once they have begun.
 */
export function keepYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
