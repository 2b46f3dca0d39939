import { expect, go, logIn, speak, test } from './page';

test.beforeEach(async ({ page }) => {
  await speak(page, 'en');
});

test('the page can be used by keyboard alone', async ({ page }) => {
  await page.goto('/');
  await page.locator('#password').focus();
  await logIn(page);
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  await page.locator('body').focus();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeFocused();

  // Going to another place puts the focus at its head, so that reading starts there.
  await page.getByRole('link', { name: 'System', exact: true }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'System' })).toBeFocused();

  // Everything after it can be reached and is seen to be.
  const reached: string[] = [];
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press('Tab');
    const seen = await page.evaluate(() => {
      const at = document.activeElement as HTMLElement;
      const style = getComputedStyle(at.matches('input[type=radio]') ? at.nextElementSibling! : at);
      return { text: (at.textContent || at.getAttribute('value') || at.tagName).trim().slice(0, 24), outline: style.outlineStyle };
    });
    reached.push(seen.text);
    expect(seen.outline, seen.text).toBe('solid');
    if (seen.text === 'Log out') break;
  }
  expect(reached).toContain('Log out');
  await page.keyboard.press('Enter');
  await expect(page.getByText('You are logged out.')).toBeVisible();
});

test('language and theme are chosen in the page, hold at once and after a reload', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await logIn(page);
  await go(page, 'system');
  await page.getByRole('radio', { name: 'Dark' }).check();
  const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  expect(await paper()).toBe('rgb(16, 20, 24)');
  await page.getByRole('radio', { name: 'Français' }).check();
  await expect(page.getByRole('heading', { level: 1, name: 'Système' })).toBeVisible();
  await expect(page).toHaveTitle(/^Système – /);
});

test('the language is that of the site until somebody chooses another', async ({ browser }) => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB' });
  const page = await context.newPage();
  await logIn(page, test.info().project.use.baseURL);
  // The invented site is a French one; the browser asked for English.
  await expect(page.getByRole('heading', { level: 1, name: 'Aperçu' })).toBeVisible();
  await page.goto('/#/system');
  await page.getByRole('radio', { name: 'Sombre' }).check();
  await page.getByRole('radio', { name: 'English' }).check();
  await page.reload();
  await expect(page.getByRole('heading', { level: 1, name: 'System' })).toBeVisible();
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe('rgb(16, 20, 24)');
  await context.close();
});

test('nothing moves for who asked for stillness', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await logIn(page);
  await expect(page.locator('section.border li').first()).toBeVisible({ timeout: 70_000 });
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
});

test('times are in the zone of the site with UTC in the tooltip, whatever zone the browser has', async ({ page }) => {
  await logIn(page);
  await go(page, 'system');
  const clock = page.locator('time', { hasText: /^\d\d:\d\d:\d\d$/ }).first();
  await expect(clock).toHaveAttribute('title', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  const shown = await clock.innerText();
  const utc = new Date((await clock.getAttribute('title'))!.replace(' UTC', 'Z'));
  const paris = (at: Date) => at.toLocaleTimeString('en-GB', { timeZone: 'Europe/Paris' });
  expect([paris(new Date(utc.getTime() - 1000)), paris(utc)]).toContain(shown);
});

test('a filter stands in the address and is found again', async ({ page }) => {
  await logIn(page);
  await go(page, 'calls');
  await page.getByLabel('Filter').fill('nobody has this');
  await expect(page.getByText('Nothing fits the filter.').first()).toBeVisible();
  expect(new URL(page.url()).hash).toContain('filter=nobody');
  await page.reload();
  await expect(page.getByLabel('Filter')).toHaveValue('nobody has this');
  await page.getByRole('button', { name: 'Show all' }).first().click();
  await expect(page.getByText('limits.calls').first()).toBeVisible();
});
