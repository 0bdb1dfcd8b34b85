import { expect, test } from 'vitest';
import { isWriteToClosedConnection } from '../../../src/postgres/driver-faults.ts';

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

test("the driver's write to a connection that is gone is known by what it says and where it is thrown", () => {
  const gone = { socket: null } as unknown as { readonly socket: { write(): void } };
  function nextWrite(): void {
    gone.socket.write();
  }
  expect(isWriteToClosedConnection(thrownBy(() => nextWrite()))).toBe(true);
  expect(isWriteToClosedConnection(thrownBy(() => (() => gone.socket.write())()))).toBe(false);
  expect(isWriteToClosedConnection(new Error("Cannot read properties of null (reading 'write')"))).toBe(false);
});
