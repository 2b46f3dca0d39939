/** A page that is watched: whatever a test does, it must not ask anybody else, break its policy or log an error. */
import { readFile } from 'node:fs/promises';
import { test as base, expect, type Page } from '@playwright/test';
import { password, user } from './boxes';

export { expect };

interface Watch {
  /** Errors that the test brings about itself, e.g. a refused log-in that the browser logs. */
  forgive: RegExp[];
}

export const test = base.extend<{ watch: Watch }>({
  watch: [
    async ({ page, context }, use) => {
      const watch: Watch = { forgive: [] };
      const wrong: string[] = [];
      await context.addInitScript(() => {
        addEventListener('securitypolicyviolation', (e) => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`));
      });
      page.on('request', (request) => {
        const asked = new URL(request.url());
        if (asked.hostname !== '127.0.0.1') wrong.push(`asked ${asked.href}`);
      });
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') wrong.push(message.text());
      });
      page.on('pageerror', (error) => wrong.push(String(error)));
      page.on('dialog', (dialog) => {
        wrong.push(`a dialog opened: ${dialog.message()}`);
        void dialog.dismiss();
      });
      await use(watch);
      expect(wrong.filter((line) => !watch.forgive.some((known) => known.test(line)))).toEqual([]);
    },
    { auto: true },
  ],
});

/** speak makes the page use a language, as if it had been chosen before. */
export async function speak(page: Page, language: 'en' | 'fr'): Promise<void> {
  await page.addInitScript((l) => localStorage.setItem('tollgate.language', l), language);
}

/** logIn goes through the door of a box. */
export async function logIn(page: Page, address = ''): Promise<void> {
  await page.goto(`${address}/`);
  await page.locator('#user').fill(user);
  await page.locator('#password').fill(password);
  await page.locator('form button[type=submit]').click();
  await expect(page.getByRole('navigation')).toBeVisible();
}

/** go opens a place and waits until it is there and live. */
export async function go(page: Page, place: string): Promise<void> {
  await page.evaluate((p) => (location.hash = `#/${p}`), place);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.locator('p.live')).toBeVisible();
}

/** hands follows a link to a file and looks into the zip that comes: it holds a file of this name. */
export async function hands(page: Page, link: string, name: string): Promise<void> {
  const coming = page.waitForEvent('download');
  await page.getByRole('link', { name: link }).click();
  const file = await coming;
  expect(file.suggestedFilename()).toBe('evidence.zip');
  const zip = await readFile(await file.path());
  expect(zip.subarray(0, 2).toString()).toBe('PK');
  expect(zip.toString('latin1')).toContain(name);
}
