import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { lost, main } from './boxes';
import { expect, go, logIn, speak, test } from './page';

const card = (page: Page, name: string | RegExp): Locator => page.locator('section').filter({ has: page.getByRole('heading', { name, exact: true }) });

/** sound looks at a card in a state that the tests of the screens do not meet. */
async function sound(page: Page, name: string, of: Locator): Promise<void> {
  await of.evaluate((el) => (el.id = 'looked-at'));
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 860 });
    await page.screenshot({ path: `../out/e2e/appliance/${name}-${width}.png`, fullPage: true });
    const axe = await new AxeBuilder({ page }).include('#looked-at').analyze();
    expect(axe.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join('; ')}`)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  }
}

test('who has which address of the box is shown, and how many are left', async ({ page }) => {
  await speak(page, 'en');
  await logIn(page, main.address);
  await go(page, 'network');
  const lending = card(page, 'Addresses lent to telephones');
  await expect(lending).toContainText('3 of 20');
  await expect(lending).toContainText('192.0.2.100 – 192.0.2.119 on end0, 17 addresses left');
  const row = (name: string) => lending.getByRole('row').filter({ hasText: name });
  await expect(row('reception')).toContainText('02:00:00:00:00:01');
  await expect(row('192.0.2.30')).toContainText('reserved for it');
  await expect(row('192.0.2.101')).toContainText('gives no name');
  // A name comes from the network, and is text.
  await expect(row('192.0.2.102')).toContainText('<b>meeting');
  await expect(lending.locator('td b')).toHaveCount(0);
});

test('a full pool is told where it is and on the overview', async ({ page }) => {
  await speak(page, 'fr');
  await logIn(page, lost.address);
  await expect(page.getByText('Toutes les adresses sont prêtées').first()).toBeVisible();
  await go(page, 'network');
  const lending = card(page, 'Adresses prêtées aux téléphones');
  await expect(lending).toContainText('20 sur 20');
  await expect(lending).toContainText('network.inside.dhcp_server.range');
  await sound(page, 'full-pool-fr', lending);
  await lending.getByRole('button', { name: 'Tout afficher (21)' }).click();
  await expect(lending.getByRole('row')).toHaveCount(22); // with the heading
});

test.describe('in the dark', () => {
  test.use({ colorScheme: 'dark' });

  test('an update that fell back says which, when, what it did not pass and what to do', async ({ page }) => {
    await speak(page, 'fr');
    await logIn(page, lost.address);
    await expect(page.getByText('1.1.0 (8148165) n’a pas fait ses preuves').first()).toBeVisible();
    await go(page, 'system');
    const update = card(page, 'Système et mises à jour');
    await expect(update).toContainText('Un raccordement qui marchait avant ne s’y est pas rétabli.');
    await expect(update.locator('[lang=en]')).toContainText('carrier-a was up before the update, and is down: the carrier answers 403 Forbidden');
    await expect(update).toContainText('apportez la mise à jour de nouveau');
    await sound(page, 'fell-back-dark-fr', update);
  });
});

test('a bundle with sealed parts is asked its pass phrase, and told when it is another one', async ({ page, watch }) => {
  watch.forgive.push(/status of 409/);
  const phrases: (string | undefined)[] = [];
  page.on('request', (r) => r.url().endsWith('/api/v1/update') && phrases.push(r.headers()['tollgate-phrase']));
  await speak(page, 'en');
  await logIn(page, main.address);
  await go(page, 'system');
  const update = card(page, 'System and updates');
  await update.locator('input[type=file]').setInputFiles({ name: 'branch.bundle', mimeType: '', buffer: Buffer.from('sealed bundle') });
  await expect(update.getByRole('alert')).toContainText('it is sealed with a pass phrase');
  const phrase = update.getByLabel('Pass phrase of branch.bundle');
  await expect(update.getByRole('button', { name: 'Open it' })).toBeDisabled();
  await sound(page, 'phrase-en', update);
  await phrase.fill('Rhone & Saone');
  await update.getByRole('button', { name: 'Open it' }).click();
  await expect(update.getByRole('alert')).toContainText('the pass phrase is another one');
  await expect(phrase).toHaveValue('');
  await phrase.fill('Rhône & Saône');
  await update.getByRole('button', { name: 'Open it' }).click();
  await expect(update).toContainText('Signed by headquarters');
  await expect(phrase).toBeHidden();
  expect(phrases).toEqual([undefined, 'Rhone%20%26%20Saone', 'Rh%C3%B4ne%20%26%20Sa%C3%B4ne']);
});

/** openPremium brings the policy in force with premium numbers open. */
async function openPremium(page: Page): Promise<void> {
  await go(page, 'system/import');
  await page.getByRole('button', { name: 'Start from the one in force' }).click();
  const field = page.getByLabel('Policy (YAML)');
  await expect(field).toHaveValue(/\*\*\*/);
  const [before, after] = [await field.inputValue(), (await field.inputValue()).replace(/^(admission:\n {2}classes:) ?(\[|\n\s+- )/m, '$1 $2premium, ')];
  await field.fill(after.replace(/- premium, /, '- premium\n    - '));
  expect(await field.inputValue()).not.toBe(before);
  await page.getByLabel('Why').fill('the hotline');
  await page.getByRole('button', { name: 'Check and try' }).click();
}

test('a policy that opens premium numbers goes on by itself when somebody presses the button', async ({ page, watch }) => {
  watch.forgive.push(/status of 409/);
  await speak(page, 'en');
  await logIn(page, main.address);
  await openPremium(page);
  const press = card(page, 'Press the button on the box now');
  await expect(press.getByRole('timer')).toContainText(/^02:5\d$/);
  await expect(press).toContainText('admission.classes: premium');
  await expect(press).toContainText('A USB stick waits for a yes');
  await sound(page, 'press-en', press);
  await expect(page.getByText(/is in force, on trial for/)).toBeVisible({ timeout: 15_000 });
  await page.getByRole('region', { name: 'Revision on trial' }).getByRole('button', { name: /Keep r\d+/ }).click();
  await expect(page.getByRole('region', { name: 'Revision on trial' })).toBeHidden();
});

test('a page whose button nobody presses counts down, and leaves everything as it was', async ({ page, watch }) => {
  watch.forgive.push(/status of 409/);
  await speak(page, 'en');
  await logIn(page, lost.address);
  await openPremium(page);
  const press = card(page, 'Press the button on the box now');
  const timer = press.getByRole('timer');
  await expect(timer).toContainText(/^02:5\d$/);
  const first = await timer.textContent();
  await expect(timer).not.toHaveText(first!);
  await press.getByRole('button', { name: 'Leave it' }).click();
  await expect(press).toBeHidden();
  await expect(page.getByLabel('Policy (YAML)')).toHaveValue(/premium/);
});
