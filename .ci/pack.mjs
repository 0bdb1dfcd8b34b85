// Runs around `npm pack` and `npm publish`: the package gets the manifest that its users need, the clone keeps its own.
//   node .ci/pack.mjs before    node .ci/pack.mjs after
//
// A clone can be installed with an older Node, because it brings the Node it runs under; the package needs the user's
// own to be new enough. npm has one field for both, `engines`, so only the package has it.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

const KEPT = '.package.json.clone';
const NEEDED_NODE = '>=24';

if (process.argv[2] === 'after') {
  renameSync(KEPT, 'package.json');
} else {
  const text = readFileSync('package.json', 'utf8');
  const manifest = JSON.parse(text);
  writeFileSync(KEPT, text);
  for (const field of ['devEngines', 'devDependencies', 'workspaces', 'scripts', 'allowScripts']) delete manifest[field];
  manifest.engines = { node: NEEDED_NODE };
  writeFileSync('package.json', `${JSON.stringify(manifest, undefined, 2)}\n`);
}
