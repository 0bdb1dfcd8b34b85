import type { CommandContext } from './command.ts';

/** What a killed dump or restore left held the rows of a database: who looks for the disk's room learns where it came from. */
export function warnOfRemoved({ log }: Pick<CommandContext, 'log'>, spools: readonly string[]): void {
  for (const spool of spools) log.warn(`removed ${spool}, which a dump or restore that was killed had left behind`);
}
