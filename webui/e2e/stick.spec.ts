import { expect, go, logIn, speak, test } from './page';

test('a stick that nobody signed shows what it would change, and waits for a word', async ({ page }) => {
  await speak(page, 'en');
  await logIn(page);
  await go(page, 'system');
  const card = page.locator('section').filter({ has: page.getByRole('heading', { name: 'USB stick' }) });
  await expect(card).toContainText('It waits for your word. Nothing has changed yet.');
  await expect(card).toContainText('limits.calls');
  await card.getByRole('button', { name: 'Take it' }).click();
  await expect(card.getByRole('status')).toHaveText('It was taken. You may take it out.');
  await expect(card.getByRole('button', { name: /it$/ })).toHaveCount(0);
});

test('a backup is written onto the stick, sealed with a pass phrase', async ({ page, watch }) => {
  watch.forgive.push(/status of 409/); // a pass phrase that is too weak
  await speak(page, 'fr');
  await logIn(page);
  await go(page, 'system');
  const card = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Clé USB' }) });
  await expect(card).toContainText('age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg');
  const write = card.getByRole('button', { name: 'Écrire' });
  await expect(write).toBeDisabled();
  await card.getByLabel('Le journal').check();
  await card.getByLabel(/Phrase secrète de la sauvegarde/).fill('short');
  await write.click();
  await expect(card).toContainText('The pass phrase is too weak');
  await card.getByLabel(/Phrase secrète de la sauvegarde/).fill('seven brass lanterns by the quay');
  await write.click();
  await expect(card).toContainText('backup-B7-2026-03-02.age');
  await expect(card).toContainText('log-B7-2026-03-02.txt');
  await expect(card).not.toContainText('calls-B7');
  await expect(card.getByLabel(/Phrase secrète de la sauvegarde/)).toHaveValue('');
});
