import { readAnsi } from '../ansi.ts';

/** A line that a program printed, with the colours that it gave it, as far as they mean something. */
export function LogText({ text }: { readonly text: string }) {
  return (
    <span class="log-text">
      {readAnsi(text).map(({ text: part, style }, index) =>
        style === '' ? (
          part
        ) : (
          <span key={index} class={style}>
            {part}
          </span>
        ),
      )}
    </span>
  );
}
