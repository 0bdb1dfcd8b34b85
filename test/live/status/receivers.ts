import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { AlertMessage } from '../../../src/alerts/message.ts';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly message: AlertMessage;
}

export interface WebhookServer {
  readonly url: string;
  readonly received: Received[];
  /** What it answers from now on. */
  answer: { readonly status: number; readonly headers?: Readonly<Record<string, string>> };
  close(): Promise<void>;
}

/** A real HTTP server that keeps what is posted to it. */
export async function startWebhook(port = 0, host = '127.0.0.1'): Promise<WebhookServer> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      received.push({ headers: request.headers, body, message: JSON.parse(body) as AlertMessage });
      response.writeHead(hook.answer.status, hook.answer.headers).end('thank you');
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  const hook: WebhookServer = {
    url: `http://${host}:${(server.address() as AddressInfo).port}/hook/of-nobody-else`,
    received,
    answer: { status: 204 },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return hook;
}

/** Whether a message is signed with `secret`, as the runbook tells a receiver to look; without the sender's own code. */
export function isSigned({ headers, body }: Received, secret: string, nowMs: number): boolean {
  const [id, timestamp, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => String(headers[name]));
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > 300) return false;
  const expected = Buffer.from(`v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`);
  const given = Buffer.from(signature ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

export interface Mail {
  readonly to: readonly string[];
  readonly text: string;
}

export interface MailServerStarted {
  readonly port: number;
  readonly mails: Mail[];
  close(): Promise<void>;
}

/** A real SMTP server that keeps what it is given. */
export async function startMailServer(
  options: SMTPServerOptions = { authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'] },
): Promise<MailServerStarted> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    ...options,
    onData: (stream, session, done) => {
      let text = '';
      stream.on('data', (data: Buffer) => (text += data.toString()));
      stream.on('end', () => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text });
        done();
      });
    },
  });
  // A client that goes away in the middle is no failure of the test.
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    close: async () => await new Promise((resolve) => server.close(() => resolve())),
  };
}
