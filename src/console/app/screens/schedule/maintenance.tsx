import { useState } from 'preact/hooks';
import type { Session } from '../../api.ts';
import { Act } from '../../parts/act.tsx';
import { Select } from '../../parts/choices.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ForOperators } from '../../parts/states.tsx';
import { counted } from '../../words.ts';
import type { ListDocument } from './documents.ts';
import { isPauseReady, PauseFields, pauseValues, usePausing } from './pause-fields.tsx';

interface MaintenanceProps {
  readonly session: Session;
  readonly list: ListDocument;
  readonly onDone: () => void;
}

/** All jobs, or those of one cluster, are paused together, with an end of its own; and let run again. */
export function Maintenance({ session, list, onDone }: MaintenanceProps) {
  const [cluster, setCluster] = useState('');
  const [pausing, change] = usePausing();
  const clusters = [...new Set(list.jobs.flatMap((job) => job.cluster ?? []))];
  const jobs = list.jobs.filter((job) => cluster === '' || job.cluster === cluster);
  const paused = jobs.filter(({ pause }) => pause !== null);
  const common = { session, onEnd: onDone };
  return (
    <Panel id="maintenance" title="Maintenance window" aside={`${paused.length} of ${counted(jobs.length, 'job')} paused`}>
      <div class="body bar actions">
        <Select
          label="Jobs"
          value={cluster}
          onChoose={setCluster}
          choices={[['', `all ${list.jobs.length}`], ...clusters.map((name) => [name, `of cluster ${name}`] as const)]}
        />
        <PauseFields pausing={pausing} change={change} timeZone={session.project.timeZone} />
        <Act
          {...common}
          action="schedule/pause-all"
          parameters={{ cluster, ...pauseValues(pausing) }}
          label={`Pause ${counted(jobs.length, 'job')}`}
          isReady={isPauseReady(pausing, session.project.timeZone)}
          note="No worker and no timer begins them until it ends; runs that go on are let end, and WAL goes on being received. Jobs that are paused already keep their reason, and their end unless one is chosen here."
        />
        {paused.length === 0 ? null : (
          <Act
            {...common}
            action="schedule/resume-all"
            parameters={{ cluster }}
            label={`Resume ${counted(paused.length, 'job')}`}
            note="Times that passed meanwhile are not made up for."
          />
        )}
        <ForOperators session={session}>{null}</ForOperators>
      </div>
    </Panel>
  );
}
