// Refuses a lock file that says where to download from, that pins nothing, or that lets unknown install scripts run.
import { readFileSync } from 'node:fs';

export interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly engines?: Readonly<Record<string, string>>;
  readonly hasInstallScript?: boolean;
  readonly name?: string;
}

/**
 * What is wrong with the entries of a lock file.
 *
 * A download address ties every clone to one registry, and turns whoever can change that line into a publisher.
 * `decided` has the packages about whose install scripts package.json has decided, either way: an undecided one is a
 * warning on every `npm ci`, and code that nobody looked at.
 */
export function lockProblems(packages: Readonly<Record<string, LockEntry>>, decided: ReadonlySet<string>): readonly string[] {
  return Object.entries(packages).flatMap(([place, entry]) => {
    if (!place.includes('node_modules/') || entry.link === true) return [];
    const name = entry.name ?? place.replace(/^.*node_modules\//, '');
    const problems: string[] = [];
    if (entry.resolved !== undefined) problems.push(`${name}: the lock file has a download address`);
    if (entry.integrity === undefined) problems.push(`${name}: the lock file has no checksum`);
    if (entry.engines !== undefined) problems.push(`${name}: the lock file has its engines; node .ci/prepare.mjs takes them out`);
    if (entry.hasInstallScript === true && !decided.has(name))
      problems.push(`${name}: package.json's allowScripts says nothing of its install script`);
    return problems;
  });
}

/** Dependencies that are not pinned to one version. */
export function unpinned(dependencies: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(dependencies)
    .filter(([, version]) => !/^(?:npm:@?[\w./-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
    .map(([name, version]) => `${name}: ${version} is not one version`);
}

if (import.meta.main) {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, LockEntry> };
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, Record<string, string> | undefined>;
  const problems = [
    ...lockProblems(lock.packages, new Set(Object.keys(manifest['allowScripts'] ?? {}))),
    ...unpinned({ ...manifest['dependencies'], ...manifest['devDependencies'] }),
  ];
  for (const line of problems) console.error(line);
  console.log(`lock file: ${Object.keys(lock.packages).length} packages, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
