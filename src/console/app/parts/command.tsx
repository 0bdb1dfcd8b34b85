import { useState } from 'preact/hooks';

/** A command as it can be pasted. */
export function Command({ text }: { readonly text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <div class="cmd">
      <code>{text}</code>
      <button type="button" class="btn" aria-label={`Copy ${text}`} onClick={() => void copy().catch(() => undefined)}>
        {isCopied ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}
