// Builds dist/ from src/ in as few files as the commands' lazy imports allow: several hundred small modules take Node longer to
// find and link than most commands take to do their work. Types are not checked here: `npm run types` does that.
//
// What package.json has as a dependency stays a package, so that `npm audit` sees it; what is a devDependency and imported by
// src/ goes into dist/, with its licence in LICENSES.txt.
import { globSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { build as buildPages } from 'vite';
import { isAllowed } from './licences.ts';

const packages = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).dependencies);
// Threads are started by the name of their file.
const workers = globSync('src/**/*-worker.ts');

const bundle = await rolldown({
  input: Object.fromEntries(['src/cli.ts', ...workers].map((file) => [path.basename(file, '.ts'), file])),
  platform: 'node',
  external: (id) => packages.some((name) => id === name || id.startsWith(`${name}/`)),
  onLog: (level, log) => {
    if (level === 'warn') throw new Error(log.message);
  },
});
const { output } = await bundle.write({ dir: 'dist', format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js' });
await bundle.close();
// What browsers get: the application of the console.
const pages = await buildPages({ configFile: 'src/console/app/vite.config.mjs', logLevel: 'warn' });
const modules = [...output, ...pages.output].flatMap((file) => Object.keys(file.modules ?? {}));
writeFileSync('dist/LICENSES.txt', licences(modules));

const written = new Set(['LICENSES.txt', 'console', ...output.map(({ fileName }) => fileName)]);
for (const name of readdirSync('dist')) if (!written.has(name)) rmSync(path.join('dist', name), { recursive: true });

/** The licences of the packages that these modules belong to. */
function licences(modules) {
  const places = new Set(modules.flatMap((module) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module)?.[0] ?? []));
  return [...places]
    .sort((a, b) => (a < b ? -1 : 1))
    .map(licenceOf)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function licenceOf(place) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(place, 'package.json'), 'utf8'));
  const file = readdirSync(place).find((each) => /^licen[cs]e(?:\.\w+)?$/i.test(each));
  if (!isAllowed(license ?? '') || file === undefined) throw new Error(`${name}: its licence (${license}) or the text of it is not there`);
  return `${name} ${version} (${license})\n\n${readFileSync(path.join(place, file), 'utf8').trim()}\n`;
}
