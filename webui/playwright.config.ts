import { defineConfig } from '@playwright/test';
import { first, lost, main, setup, type Box } from './e2e/boxes';

/**
 * The real page in Debian's Chromium against the real API over HTTPS; only the box behind it is invented.
 * Each server is one such box. Nothing is downloaded.
 */
const server = '../out/e2e/devserver';

/** exec, so that ending the server ends it and not a shell around it. */
const start = (box: Box) => ({
  name: box.name,
  command: `exec ${server} --dist dist --listen 127.0.0.1:${box.port} ${box.options}`,
  url: box.address,
  ignoreHTTPSErrors: true,
  reuseExistingServer: false,
  gracefulShutdown: { signal: 'SIGTERM' as const, timeout: 5000 },
});

export default defineConfig({
  testDir: 'e2e',
  outputDir: '../out/e2e/results',
  // The boxes are shared and the board of a developer has two cores.
  workers: 1,
  fullyParallel: false,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  forbidOnly: true,
  reporter: [['list']],
  webServer: [main, first, setup, lost].map(start),
  use: {
    baseURL: main.address,
    browserName: 'chromium',
    launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' },
    ignoreHTTPSErrors: true,
    locale: 'en-GB',
    timezoneId: 'America/Lima',
    viewport: { width: 1280, height: 860 },
    screenshot: 'only-on-failure',
  },
});
