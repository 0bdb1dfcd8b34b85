import { Diff } from '../../parts/diff-view.tsx';
import { NextStep } from '../../parts/next-step.tsx';
import { Panel, Status } from '../../parts/panel.tsx';
import { sentence } from '../../parts/states.tsx';
import { counted } from '../../words.ts';
import type { MigrateProblem } from './documents.ts';

/** What would stop a run, with the way out, in the words of the command line. */
export function ProblemsPanel({ problems }: { readonly problems: readonly MigrateProblem[] }) {
  return (
    <Panel id="problems" title="Problems" aside={<Status kind="bad">{`${counted(problems.length, 'problem')}: up would refuse`}</Status>}>
      <ul class="findings">
        {problems.map((problem) => (
          <li key={problem.message}>
            <p>
              <b>{sentence(problem.message)}</b>
            </p>
            {problem.detail === null ? null : <Detail problem={problem} detail={problem.detail} />}
            {problem.hint?.split('\n').map((hint) => (
              <NextStep key={hint} text={hint} />
            ))}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** Of a changed file the detail is a diff; of others it is sentences. */
function Detail({ problem, detail }: { readonly problem: MigrateProblem; readonly detail: string }) {
  const lines = detail.split('\n');
  const first = lines.findIndex((line) => /^@ line \d+$/.test(line));
  if (problem.code !== 'migration-changed' || first < 0) return <p class="detail">{detail}</p>;
  return (
    <>
      {first === 0 ? null : <p class="detail">{lines.slice(0, first).join('\n')}</p>}
      <Diff lines={lines.slice(first)} label={`Difference: ${problem.message}`} sides={['as it was applied', 'the file now']} />
    </>
  );
}
