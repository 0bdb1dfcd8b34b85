/** Text with its `${NAME}` filled in, and the variables that had neither value nor default. */
export interface Interpolated {
  readonly text: string;
  readonly missing: readonly string[];
}

/**
 * Fills in `${NAME}` and `${NAME:-default}` from `env`. An empty variable counts as absent for `:-` only, as in a shell.
 * `$${` stands for a literal `${`. A `${` that begins no variable stays as it is.
 */
export function interpolate(text: string, env: Readonly<Record<string, string | undefined>>): Interpolated {
  const missing: string[] = [];
  const filled = text.replace(/\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g, (whole, name: string | undefined, fallback?: string) => {
    if (name === undefined) return '${';
    const value = env[name];
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value === undefined) missing.push(name);
    return value ?? whole;
  });
  return { text: filled, missing };
}

/** Whether {@link interpolate} would take anything in `text` from the environment. */
export function isInterpolated(text: string): boolean {
  return /(?<!\$)\$\{[A-Za-z_]\w*(?::-[^}]*)?\}/.test(text);
}
