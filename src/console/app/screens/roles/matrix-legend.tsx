const SHAPES = [
  ['m-o', 'owner'],
  ['m-g', 'granted to the role itself'],
  ['m-i', 'inherited'],
  ['m-p', 'PUBLIC, which is everybody'],
  ['m-d', 'predefined role'],
  ['m-s', 'superuser'],
  ['m-t', 'only after SET ROLE'],
  ['m-c', 'some columns'],
  ['m-g m-option', 'may grant it on'],
] as const;

/** What letters and shapes mean. */
export function Legend({ withPlan }: { readonly withPlan: boolean }) {
  return (
    <div class="note legend mx-legend">
      {SHAPES.map(([look, words]) => (
        <span key={look}>
          <code class={look}>r</code> {words}
        </span>
      ))}
      <span>
        <code class="m-flag">!</code> no USAGE on the schema
      </span>
      <span>
        <code class="m-flag">~</code> rows as policies allow
      </span>
      {withPlan ? (
        <span>
          <ins>r</ins> would be granted, <del>w</del> would be revoked
        </span>
      ) : null}
      <span>
        r SELECT · a INSERT · w UPDATE · d DELETE · D TRUNCATE · x REFERENCES · t TRIGGER · m MAINTAIN · U USAGE · C CREATE · X EXECUTE
      </span>
    </div>
  );
}
