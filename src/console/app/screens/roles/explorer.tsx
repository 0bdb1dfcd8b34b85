import { useEffect, useMemo, useState } from 'preact/hooks';
import { useAnswer } from '../../answer.ts';
import { Panel } from '../../parts/panel.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { counted } from '../../words.ts';
import { Answers } from './answers.tsx';
import type { MatrixDocument, RoleAccessDocument, WhoCanDocument } from './documents.ts';
import { PRIVILEGES } from './matrix-cell.tsx';
import { objectQuestion, objectsOf } from './matrix-model.ts';
import type { RolesPage } from './page.ts';
import { RoleAccess } from './role-access.tsx';
import { Segments } from '../../parts/choices.tsx';

const MOST_SUGGESTIONS = 60;
const WHEN = [
  ['now', 'now'],
  ['plan', 'with roles.yaml applied'],
  ['at', 'at a moment'],
] as const;
type When = (typeof WHEN)[number][0];

interface ExplorerProps {
  readonly page: RolesPage;
  /** For the names of what can be asked about; the question can be typed without. */
  readonly matrix: MatrixDocument | undefined;
}

/** Who can do something with an object, by which path; or all that one role may do. */
export function Explorer({ page, matrix }: ExplorerProps) {
  const { query, change, place } = page;
  const role = query['role'];
  const [who, on, by] = [query['who'], query['on'], query['by']];
  const time = { ...(query['when'] === 'plan' ? { plan: 'yes' } : {}), ...(query['when'] === 'at' ? { at: query['at'] } : {}) };
  const isPast = query['when'] === 'at' && query['at'] !== undefined;
  const isObject = role === undefined && who !== undefined && on !== undefined;
  const objects = useAnswer<WhoCanDocument>(isObject ? 'roles/who-can' : undefined, {
    ...place,
    ...time,
    privilege: who,
    object: on,
    role: by,
  });
  const roles = useAnswer<RoleAccessDocument>(role === undefined ? undefined : 'roles/role-access', { ...place, ...time, role });
  const asked = role === undefined ? objects : roles;
  const isAsked = isObject || role !== undefined;
  return (
    <Panel
      id="explorer"
      title="Access explorer"
      aside={asked.answer === undefined ? undefined : `answered by the command in ${asked.answer.tookMs} ms`}
    >
      <div class="body stackv explorer">
        <Segments
          label="What is asked"
          value={role === undefined ? 'object' : 'role'}
          choices={[
            ['object', 'Who can …'],
            ['role', 'What can … do'],
          ]}
          onChoose={(value) =>
            change(
              value === 'object'
                ? { role: undefined }
                : { role: by ?? matrix?.roles[0]?.name ?? '', who: undefined, on: undefined, by: undefined },
            )
          }
        />
        <Question key={`${who ?? ''} ${on ?? ''} ${by ?? ''} ${role ?? ''}`} page={page} matrix={matrix} />
      </div>
      <div id="explorer-answer" tabIndex={-1} aria-live="polite">
        {!isAsked ? (
          <Empty title="Nothing is asked yet">
            <p class="meta">Choose a privilege and name an object or a column, or press Enter on a cell of the matrix.</p>
          </Empty>
        ) : asked.failure !== undefined ? (
          <Failed failure={asked.failure} again={asked.again} />
        ) : asked.answer === undefined ? (
          <Loading
            what={isPast ? 'a backup that is being restored to that moment: this takes as long as a restore' : 'who can, and by which path'}
          />
        ) : role !== undefined && roles.answer !== undefined ? (
          <RoleAccess page={page} answer={roles.answer} />
        ) : objects.answer !== undefined ? (
          <Answers page={page} answer={objects.answer} />
        ) : null}
      </div>
      {asked.answer === undefined ? null : (
        <p class="note meta">
          <code>{asked.answer.command}</code>
        </p>
      )}
    </Panel>
  );
}

/** The question, sent when it is whole. */
function Question({ page: { query, change }, matrix }: ExplorerProps) {
  const isRole = query['role'] !== undefined;
  const [privilege, setPrivilege] = useState(query['who'] ?? 'select');
  const [object, setObject] = useState(query['on'] ?? '');
  const [role, setRole] = useState(query['role'] ?? query['by'] ?? '');
  const [when, setWhen] = useState<When>(WHEN.find(([value]) => value === query['when'])?.[0] ?? 'now');
  const [at, setAt] = useState(query['at'] ?? '');
  useEffect(() => setWhen(WHEN.find(([value]) => value === query['when'])?.[0] ?? 'now'), [query['when']]);
  const names = useMemo(() => (matrix === undefined ? [] : objectsOf(matrix).map(objectQuestion)), [matrix]);
  const near = names.filter((name) => name.toLowerCase().includes(object.toLowerCase())).slice(0, MOST_SUGGESTIONS);
  const send = (event: Event): void => {
    event.preventDefault();
    const time = { when: when === 'now' || (when === 'at' && at === '') ? undefined : when, at: when === 'at' ? at : undefined };
    change(
      isRole
        ? { ...time, role, who: undefined, on: undefined, by: undefined }
        : { ...time, who: privilege, on: object.trim(), by: role, role: undefined },
    );
  };
  return (
    <form class="controls ask" onSubmit={send}>
      {isRole ? null : (
        <>
          <label class="field">
            Who can
            <select value={privilege} onChange={({ currentTarget }) => setPrivilege(currentTarget.value)}>
              {PRIVILEGES.map((each) => (
                <option key={each} value={each}>
                  {each.toUpperCase().replaceAll('_', ' ')}
                </option>
              ))}
            </select>
          </label>
          <label class="field wide">
            on object or column
            <input
              type="text"
              list="explorer-objects"
              required
              value={object}
              placeholder="core.listener.email"
              autocomplete="off"
              spellcheck={false}
              onInput={({ currentTarget }) => setObject(currentTarget.value)}
            />
            <datalist id="explorer-objects">
              {near.map((name) => (
                <option key={name} value={name} />
              ))}
            </datalist>
          </label>
        </>
      )}
      <label class="field">
        {isRole ? 'What can' : 'for'}
        <select value={role} onChange={({ currentTarget }) => setRole(currentTarget.value)} required={isRole}>
          {isRole ? null : <option value="">every login</option>}
          {role !== '' && matrix?.roles.some(({ name }) => name === role) !== true ? <option>{role}</option> : null}
          {(matrix?.roles ?? []).map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label class="field">
        when
        <select value={when} onChange={({ currentTarget }) => setWhen(WHEN.find(([value]) => value === currentTarget.value)?.[0] ?? 'now')}>
          {WHEN.map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      </label>
      {when !== 'at' ? null : (
        <label class="field">
          moment
          <input
            type="text"
            required
            value={at}
            placeholder="2026-11-20 14:03:07"
            onInput={({ currentTarget }) => setAt(currentTarget.value)}
          />
        </label>
      )}
      <button type="submit" class="btn primary">
        Ask
      </button>
      {when !== 'at' ? null : (
        <p class="meta">
          A backup is restored to that moment where nobody can reach it, asked, and removed: it takes as long as a restore.
        </p>
      )}
      <p class="vh" role="status">
        {matrix === undefined ? '' : `${counted(names.length, 'name')} are suggested`}
      </p>
    </form>
  );
}
