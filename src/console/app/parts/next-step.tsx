import { Command } from './command.tsx';
import { sentence } from './states.tsx';

/** The words of the command line; where they end in a command, it can be copied. */
export function NextStep({ text }: { readonly text: string }) {
  const command = /(?:^|: )(dbadmin [^;]+?)\.?$/.exec(text)?.[1];
  if (command === undefined) return <p class="meta">{sentence(text)}</p>;
  const before = text.slice(0, text.lastIndexOf(command)).replace(/:? $/, '');
  return (
    <>
      {before === '' ? null : <p class="meta">{sentence(before)}:</p>}
      <Command text={command} />
    </>
  );
}
