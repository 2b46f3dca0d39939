import { expect, go, logIn, speak, test } from './page';

test('a bundle is brought, and the next start tries it', async ({ page, watch }) => {
  watch.forgive.push(/status of 409/); // what is no bundle
  await speak(page, 'en');
  await logIn(page);
  await go(page, 'system');
  const card = page.locator('section').filter({ has: page.getByRole('heading', { name: 'System and updates' }) });
  await expect(card).toContainText('1.0.0 (5d0e62c)');
  await expect(card).toContainText('0.9.4 (6fe3a01)');
  await expect(card).toContainText('proved itself and was kept');
  const bring = (content: string) => card.locator('input[type=file]').setInputFiles({ name: 'tollgate.bundle', mimeType: '', buffer: Buffer.from(content) });
  await bring('PK something else');
  await expect(card).toContainText('This is no bundle of Tollgate');
  await bring('good '.repeat(1_000_000));
  await expect(card).toContainText('1.1.0 (8148165) is written and verified. The next start tries it');
  await card.getByRole('button', { name: 'Restart now' }).click();
  await expect(card).toContainText('The machine restarts.');
});
