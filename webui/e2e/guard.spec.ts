import type { Locator, Page } from '@playwright/test';
import { en } from '../src/words/en';
import { fr } from '../src/words/fr';
import { lost, main } from './boxes';
import { expect, go, logIn, speak, test } from './page';

/** The card with a heading. */
const sheet = (page: Page, name: string): Locator => page.locator('section').filter({ has: page.getByRole('heading', { name, exact: true }) });

test('a source is banned for an hour and let back, and what is no address is told', async ({ page, watch }) => {
  watch.forgive.push(/status of 409/);
  await speak(page, 'en');
  await logIn(page, lost.address);
  await go(page, 'network');
  const card = sheet(page, 'Banned');
  const source = `203.0.113.${200 + Math.floor(Math.random() * 50)}`;
  await expect(card.getByText('a scanner')).toBeVisible();
  await expect(card.getByText('Emergency calls from there pass.')).toBeVisible();

  const address = card.getByLabel('Ban an address or a network for an hour');
  const ban = card.getByRole('button', { name: 'Ban', exact: true });
  await expect(ban).toBeDisabled();
  await address.fill('everybody');
  await ban.click();
  await expect(card.getByRole('alert')).toContainText('"everybody" is not an address.');
  await expect(address).toHaveValue('everybody');

  await address.fill(source);
  await ban.click();
  const row = card.getByRole('listitem').filter({ hasText: source });
  await expect(row).toContainText('banned by hand');
  await expect(row).toContainText('until');
  await expect(address).toHaveValue('');
  await expect(card.getByRole('alert')).toBeHidden();
  await page.screenshot({ path: '../out/e2e/bans.png', fullPage: true });
  await row.getByRole('button', { name: `Lift ${source}` }).click();
  await expect(row).toBeHidden();
});

test('why packets were stopped is told, and the rules are shown as the kernel has them', async ({ page }) => {
  await speak(page, 'en');
  await logIn(page, main.address);
  await go(page, 'network');
  const drops = sheet(page, en.network.drops);
  await expect(drops.getByText('203.0.113.66 → 198.51.100.10:5060 udp')).toBeVisible();
  await expect(drops.getByRole('listitem').first()).toContainText(en.counters.sip_refused!);
  const rules = sheet(page, en.network.rules);
  await expect(rules).toContainText('4 rules; 3 sources banned');
  await rules.getByText(en.network.showRules).click();
  await expect(rules.locator('pre')).toContainText('table inet tollgate {');
});

test('a password of the PBX is replaced and shown once; a carrier’s must be good', async ({ page, watch }) => {
  watch.forgive.push(/status of 409/);
  await speak(page, 'en');
  await logIn(page, lost.address);
  await go(page, 'system');
  const card = sheet(page, 'Passwords');
  const of = (id: string) => card.getByRole('listitem').filter({ hasText: id });
  // An earlier run may have left either of them half replaced.
  for (const id of ['pbx', 'carrier-a/alice']) {
    const off = card.getByRole('button', { name: `Call off ${id}` });
    if (await off.isVisible()) await off.click();
    await expect(of(id)).toContainText('in force');
  }

  await card.getByRole('button', { name: 'Replace pbx' }).click();
  await expect(card.getByRole('status')).toContainText('New password, shown this once:');
  const made = await card.getByRole('status').locator('code').innerText();
  expect(made).toMatch(/^\w{24,}$/);
  await expect(of('pbx')).toContainText('the next one waits');
  await expect(of('pbx')).toContainText('The old one was used from 192.0.2.20.');
  await page.screenshot({ path: '../out/e2e/passwords.png', fullPage: true });
  await card.getByRole('button', { name: 'I have noted it' }).click();
  await expect(page.getByText(made)).toBeHidden();

  const replace = card.getByRole('button', { name: 'Replace carrier-a/alice' });
  await expect(replace).toBeDisabled();
  const brought = of('carrier-a/alice').getByLabel('New password from the carrier');
  await expect(brought).toHaveAttribute('type', 'password');
  await brought.fill('short');
  await replace.click();
  await expect(card.getByRole('alert')).toContainText('16 are the least');
  await brought.fill('four-and-twenty-letters-x');
  await replace.click();
  await expect(of('carrier-a/alice')).toContainText('the next one waits');
  await expect(card).not.toContainText('four-and-twenty-letters-x');
});

for (const [language, words] of [['en', en], ['fr', fr]] as const) {
  test(`a phone with a weak password is marked (${language})`, async ({ page }) => {
    await speak(page, language);
    await logIn(page, main.address);
    await go(page, 'connections');
    const card = sheet(page, words.phones.heading);
    const row = (user: string) => card.getByRole('row').filter({ hasText: user });
    await expect(row('102')).toContainText(words.phones.weak);
    await expect(row('102')).toContainText(words.phones.weakKinds['one of the passwords that are tried first']!);
    await expect(row('101')).not.toContainText(words.phones.weak);
    await page.screenshot({ path: `../out/e2e/weak-${language}.png`, fullPage: true });
  });
}
