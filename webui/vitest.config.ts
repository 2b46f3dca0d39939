import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  // Without this condition Svelte hands out its server side, which cannot mount a component.
  resolve: { conditions: ['browser'] },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts'],
    // The tests speak of times in zones of their own; the machine's must not matter.
    env: { TZ: 'Pacific/Kiritimati' },
  },
});
