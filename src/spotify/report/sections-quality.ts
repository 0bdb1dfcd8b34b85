import { column } from './sections-listening.ts';
import type { Section } from './section.ts';

const SHOWN_RUNS = 40;

const moment = (name: string): string => `to_char(${name} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as ${name}`;

/** What the figures rest on: of the whole warehouse, whatever is asked of it. Times are UTC. */
export const QUALITY_SECTIONS: readonly Section[] = [
  {
    name: 'basis',
    group: 'quality',
    title: 'What this rests on',
    about: 'Plays in the marts, from when to when, and what was received and refused. Times are UTC.',
    relation: 'mart.basis',
    takes: [],
    columns: [
      column('plays', 'Plays', 'count'),
      column('listens', 'Of 30 s to 60 min', 'count'),
      column('listeners', 'Listeners', 'count'),
      column('first_played_at', 'First play', 'moment'),
      column('last_played_at', 'Last play', 'moment'),
      column('refreshed_at', 'Marts of', 'moment'),
      column('files', 'Files', 'count'),
      column('rows_received', 'Rows received', 'count'),
      column('rows_rejected', 'Rows refused', 'count'),
      column('last_received_at', 'Last received', 'moment'),
    ],
    query: () =>
      `select b.plays, b.listens, b.listeners, ${moment('first_played_at')}, ${moment('last_played_at')}, ${moment('refreshed_at')},
         b.files, b.rows_received, b.rows_rejected, ${moment('last_received_at')}
       from mart.basis as b`,
  },
  {
    name: 'refused',
    group: 'quality',
    title: 'Refused rows by rule',
    about: 'Each row that was refused, by the first rule that refused it; quality.quarantine has the rows.',
    relation: 'mart.refused_rows',
    takes: [],
    columns: [
      column('rule_id', 'Rule'),
      column('title', 'About'),
      column('rows_rejected', 'Rows', 'count'),
      column('files', 'Files', 'count'),
      column('last_at', 'Last', 'moment'),
      column('description', 'What it does'),
    ],
    query: () =>
      `select r.rule_id, r.title, r.rows_rejected, r.files, ${moment('last_at')}, r.description
       from mart.refused_rows as r order by substr(r.rule_id, 2)::integer`,
  },
  {
    name: 'received',
    group: 'quality',
    title: 'Received, by format',
    about: 'Files, and answers of the Web API.',
    relation: 'mart.received',
    takes: [],
    columns: [
      column('source', 'Format'),
      column('files', 'Files', 'count'),
      column('rows_received', 'Rows', 'count'),
      column('first_received_at', 'First', 'moment'),
      column('last_received_at', 'Last', 'moment'),
    ],
    query: () =>
      `select r.source, r.files, r.rows_received, ${moment('first_received_at')}, ${moment('last_received_at')} from mart.received as r order by r.source`,
  },
  {
    name: 'load-runs',
    group: 'quality',
    title: 'Load steps and refreshes',
    about: `The last ${SHOWN_RUNS} runs; why one failed is in quality.run.`,
    relation: 'mart.load_run',
    takes: [],
    columns: [
      column('run_id', 'Run', 'key'),
      column('step', 'Step'),
      column('started_at', 'Began', 'moment'),
      column('finished_at', 'Ended', 'moment'),
      column('rows_in', 'Rows in', 'count'),
      column('rows_out', 'Out', 'count'),
      column('rows_rejected', 'Refused', 'count'),
      column('has_failed', 'Failed', 'flag'),
    ],
    query: () =>
      `select r.run_id, r.step, ${moment('started_at')}, ${moment('finished_at')}, r.rows_in, r.rows_out, r.rows_rejected, r.has_failed
       from mart.load_run as r order by r.run_id desc limit ${SHOWN_RUNS}`,
    isLong: true,
  },
];
