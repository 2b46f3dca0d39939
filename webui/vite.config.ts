import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

/**
 * Holds the first painting back until the script has run, so that a page whose theme was chosen by hand does not
 * flash in the other one. The script is small and comes from the box itself.
 */
function paintOnce(): Plugin {
  return {
    name: 'paint-once',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"'),
    },
  };
}

/**
 * Leaves script and style in the box compressed, and nothing else of them: the program is a quarter of a megabyte shorter, and browsers
 * get them as they lie there.
 */
function packed(): Plugin {
  return {
    name: 'packed',
    apply: 'build',
    writeBundle: {
      order: 'post',
      sequential: true,
      handler(options, bundle) {
        for (const name of Object.keys(bundle)) {
          if (!/\.(js|css)$/.test(name)) continue;
          const path = join(options.dir ?? 'dist', name);
          writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
          unlinkSync(path);
        }
      },
    },
  };
}

export default defineConfig({
  plugins: [svelte(), paintOnce(), packed()],
  build: {
    // Nothing becomes a data: address, because the Content-Security-Policy allows none.
    assetsInlineLimit: 0,
    modulePreload: false,
    // The folder is emptied first; public/.keep brings back the file that lets Go build in a clone without Node.
    emptyOutDir: true,
  },
  server: {
    // `npm run dev` works against a box that runs elsewhere: TOLLGATE=https://192.0.2.1 npm run dev
    proxy: process.env.TOLLGATE
      ? { '/api': { target: process.env.TOLLGATE, secure: false, changeOrigin: true } }
      : undefined,
  },
});
