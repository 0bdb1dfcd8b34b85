import path from 'node:path';
import { defineConfig } from 'vite';

const root = import.meta.dirname;

/** What browsers get, into dist/console. Everything is a file of its own: the console's policy lets nothing run inside the page. */
export default defineConfig({
  root,
  base: '/',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: path.resolve(root, '../../../dist/console'),
    emptyOutDir: true,
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    reportCompressedSize: false,
  },
});
