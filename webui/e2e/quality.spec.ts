import { en } from '../src/words/en';
import { fr } from '../src/words/fr';
import { expect, go, hands, logIn, speak, test } from './page';

for (const [language, words] of [['en', en], ['fr', fr]] as const) {
  test(`a call that was silent says why, in ${language}, also when it is over`, async ({ page }) => {
    await speak(page, language);
    await logIn(page);
    await go(page, 'calls');
    const table = page.locator('section', { has: page.getByRole('heading', { name: words.ended.heading }) });
    await expect(table.getByText(words.ended.wasSilent).first()).toBeVisible();
    await page.screenshot({ path: `../out/e2e/quality/calls-${language}.png`, fullPage: true });
    await table.getByRole('link').nth(2).click();
    await expect(page.getByText(words.silence.was)).toBeVisible();
    const said = language === 'en' ? 'carrier-b was told to send to 203.0.113.5, but nothing arrives' : 'carrier-b doit envoyer à 203.0.113.5, mais rien n’arrive';
    await expect(page.getByText(said)).toBeVisible();
    await expect(page.getByText(words.hearing.good).first()).toBeVisible();
    await hands(page, words.call.evidence, 'old-2.txt');
    await page.screenshot({ path: `../out/e2e/quality/call-${language}.png`, fullPage: true });
  });
}

test('the load of the box stands in the system', async ({ page }) => {
  await speak(page, 'en');
  await logIn(page);
  await go(page, 'system');
  await expect(page.getByText(en.load.calls('610'))).toBeVisible();
});
