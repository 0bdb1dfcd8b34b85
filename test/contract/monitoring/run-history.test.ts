import { expect, test } from 'vitest';
import { gatherRunHistory } from '../../../src/commands/worker/run-history.ts';
import { gatherJobs } from '../../../src/commands/status/gather-jobs.ts';
import type { Config } from '../../../src/config/config.ts';
import { connectionOfUrl } from '../../../src/config/load.ts';
import type { Policies } from '../../../src/schedule/policies.ts';
import { judgeProject } from '../../../src/status/conditions.ts';
import { job } from '../../unit/schedule/job.ts';
import { clusterFacts, NOW, projectFacts } from '../../unit/status/project-facts.ts';

// Port 1 of this machine: nobody listens there.
const connection = connectionOfUrl({ env: {}, cwd: '/' }, 'postgresql://nobody@127.0.0.1:1/nothing');

test.each([true, false])(
  'a control database that is away, stated in dbadmin.yaml: %s, lets stand what was told of a job that failed',
  async (isStated) => {
    const config = { control: { connection, schema: 'dbadmin_jobs', heartbeatSeconds: 30, isStated } } as unknown as Config;
    const nightly = { ...job('shop.full', '0 2 * * *'), work: { kind: 'backup', type: 'full', policy: 'shop', cluster: 'main' } };
    const policy = { name: 'shop', cluster: 'main', repositories: ['local'] };
    const policies = { file: 'policies.yaml', policies: new Map([['shop', policy]]), jobs: [nightly] } as unknown as Policies;
    const clusters = [clusterFacts()];
    const history = await gatherRunHistory(config, policies.jobs);
    const jobs = gatherJobs(policies, clusters, history, NOW);
    // What lies in the repository is shown: the backup before the one that failed.
    expect(jobs[0]?.last).toMatchObject({ kind: 'known', value: { outcome: 'succeeded' } });
    const conditions = judgeProject(projectFacts({ clusters, jobs })).filter(({ kind }) => kind.startsWith('job-'));
    expect(conditions.map(({ kind, state }) => `${kind} ${state}`)).toEqual(['job-failed unknown', 'job-late unknown']);
  },
);
