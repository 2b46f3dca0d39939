import AxeBuilder from '@axe-core/playwright';
import { lost } from './boxes';
import { expect, go, logIn, speak, test } from './page';

test('a trunk shows its servers, where the carrier sees the box, and what its profile costs', async ({ page }) => {
  await speak(page, 'en');
  await logIn(page);
  await go(page, 'connections');
  const a = page.locator('section', { has: page.getByRole('heading', { level: 2, name: 'carrier-a', exact: true }) }).last();
  await expect(a.locator('ol li')).toHaveCount(3);
  await expect(a.locator('ol li').nth(0)).toContainText(/198\.51\.100\.10:5061.*8\.3 ms.*Answers.*Has our registration/s);
  await expect(a.locator('ol li').nth(1)).toContainText(/Tried last.*503 Service Unavailable <b>later<\/b>.*for another 40 s/s);
  await expect(a.locator('ol li').nth(2)).toContainText(/Down.*No answer to OPTIONS within 5s/s);
  await expect(a).toContainText('sipconnect-2.0');
  await expect(a).toContainText('203.0.113.5:5061 told by REGISTER');

  const c = page.locator('section', { has: page.getByRole('heading', { level: 2, name: 'carrier-c', exact: true }) }).last();
  await expect(c).toContainText('generic-udp-clear');
  await expect(c.locator('.warn')).toContainText(/SIP ALG.*use transport: tls/);
  await expect(c.locator('div.bad')).toHaveCount(2);
  await expect(c.locator('div.bad').first()).toContainText('travels in the clear over udp');
});

test('the warnings of a policy, a call for help and failing servers want the person', async ({ page }) => {
  await speak(page, 'en');
  await logIn(page);
  const needs = page.locator('section', { has: page.getByRole('heading', { name: 'Needs you' }) }).last();
  await expect(needs).toContainText(/Emergency call from \+33 1 23 45 67 03 to 112/);
  await expect(needs).toContainText('is not encrypted, although SRTP is required');
  await expect(needs).toContainText('The policy for carrier-c has its price');
  await expect(needs).toContainText('2 of 3 servers of carrier-a fail');
  await go(page, 'calls');
  await expect(page.getByRole('heading', { name: 'Emergency calls' })).toBeVisible();
  await expect(page.getByText(/may call \+33 1 23 45 67 03 back for another/)).toBeVisible();
  await expect(page.getByText('from outside', { exact: true }).first()).toBeVisible();
  await expect(page.getByText('from the office', { exact: true }).first()).toBeVisible();
  await page.getByRole('button', { name: /^Acknowledge ?: \+33 1 23 45 67 03/ }).click();
  await expect(page.getByText(/acknowledged by admin at (127|192\.0\.2\.10)/)).toBeVisible();
  await go(page, 'overview');
  await expect(needs).toContainText('The policy for carrier-c has its price');
  await expect(needs).not.toContainText('Emergency call');
});

test('a call with both ends on one side comes to the gate and goes back', async ({ page }) => {
  await speak(page, 'en');
  await logIn(page);
  const through = page.locator('a.thread.turns', { hasText: 'not through the office' });
  await expect(through.first()).toBeVisible({ timeout: 70_000 });
  await expect(through.first().locator('.half.outside')).toHaveCount(2);
  await expect(through.first().locator('.half.inside')).toHaveCount(0);
  await expect(through.first().locator('.carrier')).toContainText(/carrier-a.*carrier-b/s);
  await through.first().click();
  await expect(page.getByRole('heading', { level: 3 })).toHaveText([/^Caller carrier-a$/, /^Called carrier-b$/]);
  await expect(page.getByText('It does not go through the office.')).toBeVisible();
  await page.screenshot({ path: '../out/e2e/call-through.png' });
  await page.goBack();
  const within = page.locator('a.thread.turns', { hasText: 'within the office' });
  await expect(within.first()).toBeVisible({ timeout: 70_000 });
  await expect(within.first().locator('.half.inside')).toHaveCount(2);
  await page.screenshot({ path: '../out/e2e/call-within.png' });
});

for (const phone of [false, true]) {
  test.describe(phone ? 'on a phone' : 'on a laptop', () => {
    test.use(phone ? { viewport: { width: 390, height: 844 }, colorScheme: 'dark' } : {});

    test('phones stand with their PBX, and when it is away with what they may do', async ({ page }) => {
      await speak(page, 'fr');
      await logIn(page);
      await go(page, 'connections');
      await expect(page.getByText('Leur PBX répond')).toBeVisible();
      await expect(page.getByText('<script>alert(3)</script>')).toBeVisible();
      await expect(page.getByText('UDP, derrière un routeur')).toBeVisible();
      await logIn(page, lost.address);
      await expect(page.getByText('Le PBX des téléphones, cloud.example, est injoignable', { exact: true })).toBeVisible();
      await page.evaluate(() => (location.hash = '#/connections'));
      await expect(page.getByText('En attendant, les téléphones enregistrés s’appellent entre eux et joignent les urgences.')).toBeVisible();
      await page.screenshot({ path: `../out/e2e/away${phone ? '-phone' : ''}.png`, fullPage: true });
      expect((await new AxeBuilder({ page }).analyze()).violations.map((v) => v.id)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    });
  });
}
