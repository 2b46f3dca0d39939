import type { Locator, Page } from '@playwright/test';
import { lost, main } from './boxes';
import { expect, go, hands, logIn, speak, test } from './page';

/** The card with a heading. */
const sheet = (page: Page, name: string): Locator => page.locator('section').filter({ has: page.getByRole('heading', { name, exact: true }) });

test('what is blocked against fraud is told with its reason, and released', async ({ page }) => {
  await speak(page, 'en');
  await logIn(page, main.address);
  await go(page, 'network');
  const card = sheet(page, 'Fraud');
  await expect(card).toContainText('€14.37 today of €80.00');
  await expect(card).toContainText('What is too much is refused, and running calls are ended.');
  const blocked = card.getByRole('list', { name: 'Blocked until somebody releases it' }).getByRole('listitem');
  const land = blocked.filter({ hasText: 'calls to' });
  await expect(land).toContainText('Calls to +252, where the office does not usually call, have used their 10 €');
  const caller = blocked.filter({ hasText: '214' });
  await expect(caller).toContainText('Caller 214 has 11 calls that cost, at night at most 10 are allowed');
  await page.screenshot({ path: '../out/e2e/fraud.png', fullPage: true });
  await hands(page, 'Evidence for the carrier or the police (zip)', 'fraud.txt');

  await caller.getByRole('button', { name: 'Release: caller 214' }).click();
  await expect(caller).toBeHidden();
  await expect(land).toBeVisible();
  await card.getByText('2 suspicions').click();
  await expect(card.getByText('caller blocked')).toBeVisible(); // what was found out stays known
  await page.reload();
  await go(page, 'network');
  await expect(land).toBeVisible();
  await expect(caller).toBeHidden();
});

test('a simulation says what it would have done, and blocks nobody', async ({ page }) => {
  await speak(page, 'fr');
  await logIn(page, lost.address);
  await go(page, 'network');
  const card = sheet(page, 'Fraude');
  await expect(card).toContainText('Simulation');
  await expect(card).toContainText('Rien n’est bloqué.');
  await card.getByText('2 soupçons').click();
  await expect(card.getByText('appelant bloqué, simulé')).toBeVisible();
  await expect(card.getByRole('button', { name: /Débloquer/ })).toHaveCount(0);
});

for (const [language, field, act, told] of [
  ['en', 'Policy (YAML)', 'Replay past calls', 'Would have blocked 1 of 812 calls:'],
  ['fr', 'Règles (YAML)', 'Rejouer les appels passés', '1 appel aurait été bloqué sur 812 :'],
] as const) {
  test(`past calls are replayed before a policy is in force, in ${language}`, async ({ page, watch }) => {
    watch.forgive.push(/status of 422/);
    await speak(page, language);
    await logIn(page, lost.address);
    await go(page, 'system/import');
    const document = page.getByLabel(field);
    await document.fill('version: 1\n');
    await page.getByRole('button', { name: act }).click();
    await expect(page.getByRole('alert')).toBeVisible(); // its faults
    const posts: string[] = [];
    page.on('request', (request) => request.method() === 'POST' && posts.push(new URL(request.url()).pathname));
    await page.locator('.sources button').nth(1).click(); // the one in force
    await expect(document).toHaveValue(/trunks:/);
    await page.getByRole('button', { name: act }).click();
    const status = page.getByRole('status').filter({ hasText: told });
    await expect(status).toBeVisible();
    await expect(status.getByRole('listitem')).toContainText('103 → +33 899 12 34 56');
    await expect(document).toHaveValue(/trunks:/); // it can be sent still
    expect(posts).toEqual(['/api/v1/policy/rehearse']);
    await page.screenshot({ path: `../out/e2e/rehearsal-${language}.png`, fullPage: true });
  });
}
