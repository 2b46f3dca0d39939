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
  await expect(card.getByRole('button')).toHaveCount(0);
});
