import { messageOf, reasonOf } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { mailSubject, mailText, type AlertMessage } from './message.ts';
import type { Delivery } from './outbox.ts';

/** Who takes mail from us, and how to get to it. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** `tls`: from the first byte. `starttls`: before anything is said, or not at all. `none`: in the clear. */
  readonly security: 'tls' | 'starttls' | 'none';
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  /** Reads the certificates that are trusted beside the system's, PEM. */
  readonly ca: (() => string) | undefined;
  readonly from: string;
}

export interface MailReceiver {
  readonly kind: 'email';
  readonly address: string;
  readonly server: MailServer;
}

const CONNECT_TIMEOUT_MS = 10_000;
const SOCKET_TIMEOUT_MS = 30_000;

/** Hands a message to the mail server. Never throws. An id that was sent before keeps its Message-ID, by which mail readers join them. */
export async function sendMail({ address, server }: MailReceiver, message: AlertMessage, signal: AbortSignal): Promise<Delivery> {
  const { host, port, security, user, password, from } = server;
  // Most alerts go to webhooks, and most looks find nothing to tell.
  const { createTransport } = await import('nodemailer');
  const auth = credentials(user, password);
  if (auth.kind === 'missing') return { kind: 'delayed', why: auth.why };
  const trusted = certificates(server);
  if (trusted.kind === 'missing') return { kind: 'delayed', why: trusted.why };
  const { ca } = trusted;
  const transport = createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(auth.kind === 'none' ? {} : { auth: { user: auth.user, pass: auth.pass } }),
    ...(ca === undefined ? {} : { tls: { ca } }),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const abort = (): void => transport.close();
  signal.addEventListener('abort', abort, { once: true });
  try {
    await transport.sendMail({
      from,
      to: address,
      subject: mailSubject(message),
      text: mailText(message),
      messageId: `<${message.id}@dbadmin>`,
      // Nobody's out-of-office reply is wanted.
      headers: { 'Auto-Submitted': 'auto-generated' },
      ...(message.event === 'raised' ? { priority: 'high' as const } : {}),
    });
    return { kind: 'delivered' };
  } catch (error) {
    signal.throwIfAborted();
    const why = withoutSecret(messageOf(error), auth.kind === 'given' ? auth.pass : '');
    return isRefusal(error) ? { kind: 'refused', why } : { kind: 'delayed', why };
  } finally {
    signal.removeEventListener('abort', abort);
    transport.close();
  }
}

/** A 5xx after the server took us in: it will not take this message to this address. What comes before may be mended. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || !('responseCode' in error)) return false;
  const { code, responseCode } = error;
  return (code === 'EENVELOPE' || code === 'EMESSAGE') && typeof responseCode === 'number' && responseCode >= 550;
}

type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'given'; readonly user: string; readonly pass: string }
  | { readonly kind: 'missing'; readonly why: string };

function credentials(user: string | undefined, password: Secret | undefined): Credentials {
  if (user === undefined || password === undefined) return { kind: 'none' };
  try {
    return { kind: 'given', user, pass: password.reveal() };
  } catch (error) {
    return { kind: 'missing', why: messageOf(error) };
  }
}

function certificates({ ca }: MailServer): { kind: 'given'; ca: string | undefined } | { kind: 'missing'; why: string } {
  try {
    return { kind: 'given', ca: ca?.() };
  } catch (error) {
    return { kind: 'missing', why: reasonOf(error) };
  }
}

/** A server may repeat what it was told. */
function withoutSecret(text: string, password: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return password === '' ? line : line.replaceAll(password, '***');
}
