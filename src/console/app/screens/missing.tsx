import { Empty } from '../parts/states.tsx';

export function Missing() {
  return (
    <>
      <h1 class="vh">Not found</h1>
      <Empty title="There is no such screen">
        <p>
          <a href="/">Go to the overview</a>
        </p>
      </Empty>
    </>
  );
}
