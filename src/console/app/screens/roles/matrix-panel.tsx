import { useEffect, useMemo, useState } from 'preact/hooks';
import { useAnswer, type Answered } from '../../answer.ts';
import { Panel } from '../../parts/panel.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { counted } from '../../words.ts';
import type { MatrixDocument } from './documents.ts';
import { cellWords, firstPrivilege, type Showing } from './matrix-cell.tsx';
import { MatrixGrid, type GridCell } from './matrix-grid.tsx';
import { Legend } from './matrix-legend.tsx';
import { cellAt, objectQuestion, objectsOf, sqlName, viewOf, type MatrixFilter, type MatrixView } from './matrix-model.ts';
import type { RolesPage } from './page.ts';
import { Check, Segments, Select } from '../../parts/choices.tsx';

const SHOWN = [
  ['effective', 'effective'],
  ['granted', 'as granted'],
  ['plan', 'with roles.yaml applied'],
] as const;

/** Objects × roles in the letters of PostgreSQL's access control lists; a cell leads to the explorer. */
export function MatrixPanel({ page, matrix }: { readonly page: RolesPage; readonly matrix: Answered<MatrixDocument> }) {
  const { query, change } = page;
  const shown = SHOWN.find(([value]) => value === query['show'])?.[0] ?? 'effective';
  const withPlan = useAnswer<MatrixDocument>(shown === 'plan' ? 'roles/matrix' : undefined, { ...page.place, plan: 'yes' });
  const { answer, failure, isLoading, again } = shown === 'plan' ? withPlan : matrix;
  const segments = (
    <Segments
      label="What the cells show"
      value={shown}
      choices={SHOWN}
      onChoose={(value) => change({ show: value === 'effective' ? undefined : value })}
    />
  );
  return (
    <Panel id="matrix" title="Who may do what" aside={segments}>
      {answer === undefined ? (
        failure === undefined ? (
          <Loading what="the privileges of every role" />
        ) : (
          <Failed failure={failure} again={again} />
        )
      ) : (
        <Matrix
          page={page}
          document={answer.document}
          showing={shown === 'granted' ? 'granted' : 'effective'}
          withPlan={shown === 'plan'}
        />
      )}
      {answer === undefined ? null : (
        <p class="note meta">
          {isLoading ? 'Looking again · ' : ''}
          {counted(answer.document.roles.length, 'role')} ×{' '}
          {counted(
            answer.document.objects.reduce((sum, { names }) => sum + names.length, 0),
            'object',
          )}
          , {answer.tookMs} ms · <code>{answer.command}</code>
        </p>
      )}
    </Panel>
  );
}

interface MatrixProps {
  readonly page: RolesPage;
  readonly document: MatrixDocument;
  readonly showing: Showing;
  readonly withPlan: boolean;
}

function Matrix({ page, document, showing, withPlan }: MatrixProps) {
  const { query } = page;
  const isPhone = useIsPhone();
  const objects = objectsOf(document);
  const filter: MatrixFilter = {
    role: query['mrole'] ?? '',
    schema: query['schema'] ?? '',
    kind: query['kind'] ?? '',
    name: query['name'] ?? '',
    isChanged: withPlan && query['changed'] === 'yes',
    withIdle: query['idle'] === 'yes',
  };
  const whole = useMemo(
    () => viewOf(document, filter),
    [document, filter.role, filter.schema, filter.kind, filter.name, filter.isChanged, filter.withIdle],
  );
  const one = whole.roles.find(({ role }) => role.name === query['of']) ?? whole.roles[0];
  const view: MatrixView = useMemo(() => (isPhone && one !== undefined ? { ...whole, roles: [one] } : whole), [whole, isPhone, one]);
  const [at, setAt] = useState<GridCell>({ row: 0, column: 0 });
  // What was meant may be filtered away.
  const active = { row: Math.min(at.row, view.objects.length - 1), column: Math.min(at.column, view.roles.length - 1) };
  return (
    <>
      <Filters page={page} document={document} objects={objects} view={whole} withPlan={withPlan} />
      {isPhone && one !== undefined ? (
        <div class="body">
          <Select
            label="Role"
            choices={whole.roles.map(({ role: { name } }) => [name, name] as const)}
            value={one.role.name}
            onChoose={(name) => page.change({ of: name })}
          />
        </div>
      ) : null}
      {view.objects.length === 0 || view.roles.length === 0 ? (
        <Empty title={filter.isChanged ? 'roles.yaml would change nothing here' : 'Nothing is left of the matrix'}>
          <p class="meta">
            {filter.isChanged || view.objects.length === 0
              ? 'No object is left by the filters.'
              : `None of the ${whole.idle} roles may do anything with what is shown, but for what everybody may.`}
          </p>
        </Empty>
      ) : (
        <>
          <MatrixGrid
            document={document}
            view={view}
            showing={showing}
            isPhone={isPhone}
            active={active}
            onMove={setAt}
            onExplain={(cell) => explain(page, document, view, cell)}
          />
          <AboutCell page={page} document={document} view={view} cell={active} showing={showing} />
        </>
      )}
      <Legend withPlan={withPlan} />
    </>
  );
}

/** Asks the explorer about a cell. */
function explain({ change }: RolesPage, document: MatrixDocument, view: MatrixView, { row, column }: GridCell): void {
  const [object, found] = [view.objects[row], view.roles[column]];
  if (object === undefined || found === undefined) return;
  const privilege = firstPrivilege(document.letters[object.kind] ?? '', cellAt(document, object.row, found.place));
  change({ who: privilege, on: objectQuestion(object), by: found.role.name, role: undefined });
  globalThis.document.getElementById('explorer')?.scrollIntoView({ block: 'start' });
  globalThis.document.getElementById('explorer-answer')?.focus({ preventScroll: true });
}

function AboutCell({
  page,
  document,
  view,
  cell,
  showing,
}: Omit<MatrixProps, 'withPlan'> & { readonly view: MatrixView; readonly cell: GridCell }) {
  const [object, found] = [view.objects[cell.row], view.roles[cell.column]];
  if (object === undefined || found === undefined) return null;
  const now = cellAt(document, object.row, found.place);
  const later = object.after === undefined ? now : cellAt(document, object.after, found.place);
  return (
    <div class="mx-about">
      <p id="matrix-cell" aria-live="polite">
        <b>{found.role.name}</b> on <b>{objectQuestion(object)}</b>:{' '}
        {cellWords(document.letters[object.kind] ?? '', now, later === now ? undefined : later, showing)}
        <span class="meta"> · owner {object.owner}</span>
      </p>
      <div class="bar">
        <button type="button" class="btn" onClick={() => explain(page, document, view, cell)}>
          By which path?
        </button>
        <button
          type="button"
          class="btn"
          onClick={() => page.change({ role: found.role.name, who: undefined, on: undefined, by: undefined })}
        >
          All of {sqlName(found.role.name)}
        </button>
      </div>
    </div>
  );
}

interface FiltersProps {
  readonly page: RolesPage;
  readonly document: MatrixDocument;
  readonly objects: ReturnType<typeof objectsOf>;
  readonly view: MatrixView;
  readonly withPlan: boolean;
}

function Filters({ page: { query, change }, document, objects, view, withPlan }: FiltersProps) {
  const schemas = useMemo(() => [...new Set(objects.flatMap(({ schema }) => (schema === undefined ? [] : [schema])))], [objects]);
  const kinds = useMemo(() => [...new Set(objects.map(({ kind }) => kind))], [objects]);
  const text = (name: string, label: string, hint: string) => (
    <label class="field">
      {label}
      <input
        type="search"
        value={query[name] ?? ''}
        placeholder={hint}
        onInput={({ currentTarget }) => change({ [name]: currentTarget.value })}
      />
    </label>
  );
  const choice = (name: string, label: string, values: readonly string[]) => (
    <Select
      label={label}
      choices={[['', 'all'], ...values.map((value) => [value, value] as const)]}
      value={query[name] ?? ''}
      onChoose={(value) => change({ [name]: value })}
    />
  );
  const check = (name: string, label: string) => (
    <Check label={label} isSet={query[name] === 'yes'} onSet={(isSet) => change({ [name]: isSet ? 'yes' : undefined })} />
  );
  return (
    <div class="controls mx-filters body" role="search" aria-label="Filter the matrix">
      {choice('schema', 'Schema', schemas)}
      {choice('kind', 'Kind', kinds)}
      {text('name', 'Object', 'part of it, or play*')}
      {text('mrole', 'Roles', 'part of it, or svc_*')}
      {withPlan ? check('changed', 'only what would change') : null}
      {view.idle > 0 || query['idle'] === 'yes'
        ? check('idle', `also the roles that may do nothing (${query['idle'] === 'yes' ? 'shown' : view.idle})`)
        : null}
      <p class="meta" role="status">
        {view.objects.length.toLocaleString('en')} of {objects.length.toLocaleString('en')} objects, {view.roles.length} of{' '}
        {document.roles.length} roles
      </p>
    </div>
  );
}

const PHONE = '(max-width: 720px)';

function useIsPhone(): boolean {
  const [isPhone, setPhone] = useState(() => matchMedia(PHONE).matches);
  useEffect(() => {
    const media = matchMedia(PHONE);
    const look = (): void => setPhone(media.matches);
    media.addEventListener('change', look);
    return () => media.removeEventListener('change', look);
  }, []);
  return isPhone;
}
