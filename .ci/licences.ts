// Refuses dependencies whose licences are not known to go with MIT.
import { existsSync, readFileSync } from 'node:fs';

export interface LockedPackage {
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly license?: string;
  readonly version?: string;
}

/** Licences that ask for no more than their own text: nothing here binds whoever uses dbadmin. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'PostgreSQL',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);

/** Whether an SPDX expression can be met with allowed licences: one side of each OR, both of each AND. */
export function isAllowed(expression: string): boolean {
  const text = expression.trim();
  const inner = unwrap(text);
  if (inner !== undefined) return isAllowed(inner);
  const either = splitOutside(text, ' OR ');
  if (either.length > 1) return either.some(isAllowed);
  const both = splitOutside(text, ' AND ');
  if (both.length > 1) return both.every(isAllowed);
  return ALLOWED.has(text);
}

/** What is published with us or installed for our users: everything in the lock file but what only developers get. */
export function refusedPackages(
  packages: Readonly<Record<string, LockedPackage>>,
  licenceOf: (place: string, locked: LockedPackage) => string | undefined,
): readonly string[] {
  return shippedPlaces(packages).flatMap((place) => {
    const licence = licenceOf(place, packages[place] ?? {});
    if (licence !== undefined && isAllowed(licence)) return [];
    return [`${place.replace(/^.*node_modules\//, '')}: ${licence ?? 'no licence given'}`];
  });
}

export function shippedPlaces(packages: Readonly<Record<string, LockedPackage>>): readonly string[] {
  return Object.entries(packages)
    .filter(([place, locked]) => place.includes('node_modules/') && locked.dev !== true && locked.link !== true)
    .map(([place]) => place);
}

function unwrap(text: string): string | undefined {
  if (!text.startsWith('(') || !text.endsWith(')')) return undefined;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    depth += text[at] === '(' ? 1 : text[at] === ')' ? -1 : 0;
    if (depth === 0 && at < text.length - 1) return undefined;
  }
  return text.slice(1, -1);
}

function splitOutside(text: string, separator: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
    if (depth === 0 && text.startsWith(separator, at)) {
      parts.push(text.slice(from, at));
      from = at + separator.length;
    }
  }
  return [...parts, text.slice(from)];
}

/** The licence from the installed package, or from the lock file where this platform does not install it. */
function installedLicence(place: string, locked: LockedPackage): string | undefined {
  const manifest = `${place}/package.json`;
  if (!existsSync(manifest)) return locked.license;
  const { license } = JSON.parse(readFileSync(manifest, 'utf8')) as { license?: string | { type?: string } };
  return typeof license === 'object' ? license.type : (license ?? locked.license);
}

if (import.meta.main) {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, LockedPackage> };
  const refused = refusedPackages(packages, installedLicence);
  for (const line of refused) console.error(line);
  console.log(`licence scan: ${shippedPlaces(packages).length} packages, ${refused.length} refused`);
  process.exitCode = refused.length === 0 ? 0 : 1;
}
