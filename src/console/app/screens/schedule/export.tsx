import { useState } from 'preact/hooks';
import { useAnswer } from '../../answer.ts';
import { Select } from '../../parts/choices.tsx';
import { Command } from '../../parts/command.tsx';
import { Panel, Status } from '../../parts/panel.tsx';
import { download } from '../../parts/download.ts';
import { Failed, Loading } from '../../parts/states.tsx';
import type { ExportDocument } from './documents.ts';

const TARGETS = [
  ['systemd', 'systemd: services and timers'],
  ['cron', 'cron: a crontab'],
  ['kubernetes', 'Kubernetes: CronJobs and Deployments'],
  ['task-scheduler', 'Windows: Task Scheduler'],
] as const;
type Target = (typeof TARGETS)[number][0];
const SINGLE: Readonly<Record<'cron' | 'kubernetes', string>> = { cron: 'dbadmin.crontab', kubernetes: 'dbadmin.yaml' };

/** The schedule as others keep it, where no worker runs: shown, and to take along. Nothing is written on the console's machine. */
export function Export() {
  const [target, setTarget] = useState<Target | ''>('');
  const [image, setImage] = useState('');
  const needsImage = target === 'kubernetes' && image === '';
  const { answer, failure, again } = useAnswer<ExportDocument>(
    target === '' || needsImage ? undefined : `schedule/export-${target}`,
    target === 'kubernetes' ? { image } : {},
  );
  return (
    <Panel id="export" title="Export" aside="For machines where no worker runs">
      <div class="bar filters">
        <Select label="For" value={target} onChoose={(value) => setTarget(value)} choices={[['', 'Choose'], ...TARGETS]} />
        {target === 'kubernetes' ? (
          <label class="field">
            Image that holds dbadmin
            <input
              type="text"
              value={image}
              placeholder="registry.example.org/dbadmin:0.1.0"
              onChange={({ currentTarget }) => setImage(currentTarget.value.trim())}
            />
          </label>
        ) : null}
      </div>
      {target === '' ? null : needsImage ? (
        <p class="body meta">Name the image first: its command is dbadmin of this version.</p>
      ) : answer === undefined ? (
        failure === undefined ? (
          <Loading what="the schedule" />
        ) : (
          <Failed failure={failure} again={again} />
        )
      ) : (
        <div class="body stackv">
          <Command text={answer.command.replace(' --print', '').replace(' --json', '')} />
          {answer.document.omitted.map(({ job, reason }) => (
            <p key={job}>
              <Status kind="warn">{`${job} is left out`}</Status> <span class="meta">{reason}</span>
            </p>
          ))}
          {filesOf(target, answer.document).map(([name, text]) => (
            <ExportedFile key={name} name={name} text={text} />
          ))}
        </div>
      )}
    </Panel>
  );
}

function filesOf(target: Target, { text, texts }: ExportDocument): readonly (readonly [string, string])[] {
  if (texts !== undefined) return Object.entries(texts);
  return text === undefined || target === 'systemd' || target === 'task-scheduler' ? [] : [[SINGLE[target], text]];
}

function ExportedFile({ name, text }: { readonly name: string; readonly text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <details class="file">
      <summary>
        <code>{name}</code>
      </summary>
      <pre tabIndex={0} aria-label={name}>
        {text}
      </pre>
      <p class="bar">
        <button type="button" class="btn" aria-label={`Copy ${name}`} onClick={() => void copy().catch(() => undefined)}>
          {isCopied ? 'Copied' : 'Copy'}
        </button>
        <button type="button" class="btn" aria-label={`Download ${name}`} onClick={() => download(name, text)}>
          Download
        </button>
      </p>
    </details>
  );
}
