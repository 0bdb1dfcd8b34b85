/** Where features report what they do. Commands decide what is shown; lines never hold secrets. */
export interface Log {
  /** Something a person should act on or remember. */
  warn(message: string): void;
  /** A step taken. */
  info(message: string): void;
  /** Detail for `--verbose`. */
  debug(message: string): void;
}

export const silentLog: Log = { warn: () => undefined, info: () => undefined, debug: () => undefined };
