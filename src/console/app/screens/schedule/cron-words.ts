import type { JobDocument } from './documents.ts';

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const NICKNAMES: Readonly<Record<string, string>> = {
  '@hourly': 'every hour',
  '@daily': 'daily 00:00',
  '@midnight': 'daily 00:00',
  '@weekly': 'Sun 00:00',
  '@monthly': '1st of the month 00:00',
  '@yearly': '1 Jan 00:00',
  '@annually': '1 Jan 00:00',
};

/** When a job runs: `daily 02:00`, `every 25 min`, `after main.full`; a line that has no short words stays as it is. */
export function triggerWords({ cron, after }: Pick<JobDocument, 'cron' | 'after'>): string {
  return cron === null ? `after ${after.join(', ')}` : cronWords(cron);
}

export function cronWords(cron: string): string {
  const nickname = NICKNAMES[cron.trim().toLowerCase()];
  if (nickname !== undefined) return nickname;
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = cron.trim().split(/\s+/);
  if (month !== '*' && !(isNumber(month) && isNumber(day) && weekday === '*')) return cron;
  if (day === '*' && weekday === '*') {
    if (hour === '*' && minute === '*') return 'every minute';
    const step = hour === '*' ? /^\*\/(\d+)$/.exec(minute)?.[1] : undefined;
    if (step !== undefined) return `every ${step} min`;
    if (hour === '*' && isNumber(minute)) return `every hour at :${minute.padStart(2, '0')}`;
  }
  if (!isNumber(minute) || !isNumber(hour)) return cron;
  const time = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
  if (month !== '*') return `${day} ${MONTHS[Number(month) - 1] ?? month} ${time}`;
  if (day === '*' && weekday === '*') return `daily ${time}`;
  if (day === '*') {
    const days = weekdayWords(weekday);
    return days === undefined ? cron : `${days} ${time}`;
  }
  if (weekday !== '*') return cron;
  const days = /^(\d+)(?:-(\d+))?$/.exec(day);
  if (days === null) return cron;
  const last = days[2] === undefined ? '' : `–${ordinal(Number(days[2]))}`;
  return `${ordinal(Number(days[1]))}${last} of the month ${time}`;
}

function weekdayWords(field: string): string | undefined {
  const match = /^([0-7])-([0-7])$/.exec(field);
  if (match !== null) return `${WEEKDAYS[Number(match[1]) % 7] ?? ''}–${WEEKDAYS[Number(match[2]) % 7] ?? ''}`;
  const parts = field.split(',');
  return parts.every((part) => /^[0-7]$/.test(part)) ? parts.map((part) => WEEKDAYS[Number(part) % 7]).join(', ') : undefined;
}

function ordinal(day: number): string {
  const ending = day % 10 === 1 && day !== 11 ? 'st' : day % 10 === 2 && day !== 12 ? 'nd' : day % 10 === 3 && day !== 13 ? 'rd' : 'th';
  return `${day}${ending}`;
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}
