import { expect, go, logIn, speak, test } from './page';

test('the machine says how it is, and how the program has ended until somebody has seen it', async ({ page }) => {
  await speak(page, 'fr');
  await logIn(page);
  await go(page, 'system');
  const card = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Le matériel' }) });
  await expect(card).toContainText('Le boîtier est trop chaud.');
  await expect(card).toContainText('Cette mémoire ou ce boîtier ne le dit pas');
  await expect(card).toContainText('code de sortie 2');
  await card.getByText('Pour le support').click();
  await expect(card).toContainText('goroutine 41');
  await card.getByText('Ce que dit le voyant').click();
  await expect(card.getByRole('row')).toHaveCount(9);
  await card.getByRole('button', { name: 'J’ai vu' }).click();
  await expect(card.getByText('code de sortie 2')).toHaveCount(0);
});
