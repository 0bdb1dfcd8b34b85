import { createHash } from 'node:crypto';
import { formatDuration } from '../base/durations.ts';
import type { AlertEvent } from './alert.ts';

/** What is sent: the body of a webhook, and what a mail is made from. It holds no secret. */
export interface AlertMessage {
  readonly version: 1;
  /** The same for one event wherever and however often it is sent. */
  readonly id: string;
  readonly event: 'raised' | 'over' | 'test';
  readonly kind: string;
  readonly severity: 'failed' | 'late';
  readonly cluster: string | null;
  readonly subject: string | null;
  /** ISO 8601. */
  readonly at: string;
  /** When it was first seen to be bad. */
  readonly badSince: string;
  /** One sentence without a full stop. */
  readonly summary: string;
  /** What to do next; null when it is over. */
  readonly next: string | null;
  /** All of it as text, for chat services that show this key. */
  readonly text: string;
}

/** The message of an event. `project` tells apart projects that alert the same people. */
export function messageOfEvent({ key, event, at, alert }: AlertEvent, project: string): AlertMessage {
  const isOver = event === 'over';
  const where = alert.cluster === null ? project : `${project}, ${alert.cluster}`;
  const lasted = formatDuration(Math.max(0, Date.parse(at) - Date.parse(alert.badSince)));
  const head = isOver ? `OVER after ${lasted}` : alert.severity.toUpperCase();
  return {
    version: 1,
    id: `${createHash('sha256').update(`${project}\n${key}\n${alert.badSince}`).digest('hex').slice(0, 24)}-${alert.sequence}`,
    event,
    kind: alert.kind,
    severity: alert.severity,
    cluster: alert.cluster,
    subject: alert.subject,
    at,
    badSince: alert.badSince,
    summary: alert.what,
    next: isOver ? null : alert.next,
    text: `${head} ${where}: ${alert.what}${isOver ? '' : `\nNext: ${alert.next}`}`,
  };
}

/** A message that says that messages arrive. */
export function testMessage(project: string, id: string, now: Date): AlertMessage {
  const at = now.toISOString();
  const summary = 'a test: alerts of this project arrive here';
  return {
    version: 1,
    id,
    event: 'test',
    kind: 'test',
    severity: 'failed',
    cluster: null,
    subject: null,
    at,
    badSince: at,
    summary,
    next: null,
    text: `TEST ${project}: ${summary}`,
  };
}

/** `[dbadmin] FAILED warehouse, main: …`, on one line whatever is in it. */
export function mailSubject({ text }: AlertMessage): string {
  const first = text.split('\n', 1)[0] ?? '';
  const line = `[dbadmin] ${first}`.replaceAll(/[\r\n\t]+/g, ' ');
  return line.length > 180 ? `${line.slice(0, 179)}…` : line;
}

export function mailText(message: AlertMessage): string {
  const lines = [
    message.text.replace('\nNext: ', '\n\nWhat to do next:\n'),
    '',
    `${message.kind}${message.subject === null ? '' : ` (${message.subject})`}, ${message.at}${message.badSince === message.at ? '' : `, first seen ${message.badSince}`}`,
    `id ${message.id}`,
  ];
  return `${lines.join('\n')}\n`;
}
