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

export default defineConfig({
  plugins: [svelte(), paintOnce()],
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
