import { expect, go, logIn, speak, test } from './page';

/** The packets that arrived from the office on a thread, as shown. */
const packets = /^([\d,]+) →$/;

test.beforeEach(async ({ page }) => {
  await speak(page, 'en');
  await logIn(page);
});

test('a call appears while one watches, is answered, and its packets and duration rise', async ({ page }) => {
  test.setTimeout(150_000);
  // One that crosses the gate, with audio that is locked outside.
  const threads = page.locator('a.thread:not(.turns)').filter({ hasNotText: 'Emergency' });
  const known = new Set(await threads.evaluateAll((list) => list.map((a) => a.getAttribute('href'))));

  // The first that is answered: some only ring.
  const answered = threads.filter({ has: page.locator('.half.inside .packets') });
  let fresh = '';
  await expect(async () => {
    const now = await answered.evaluateAll((list) => list.map((a) => a.getAttribute('href') ?? ''));
    fresh = now.find((href) => !known.has(href)) ?? '';
    expect(fresh).not.toBe('');
  }).toPass({ timeout: 100_000, intervals: [250] });

  const thread = page.locator(`a.thread[href="${fresh}"]`);
  await expect(thread.locator('.unseen')).toContainText('Connected for');
  const shown = thread.locator('.half.inside .packets');
  await expect(shown).toHaveText(packets, { timeout: 15_000 });
  const before = Number(packets.exec(await shown.innerText())![1]!.replaceAll(',', ''));
  const gate = thread.locator('.gate');
  const duration = await gate.innerText();
  await expect(async () => {
    const now = Number(packets.exec(await shown.innerText())![1]!.replaceAll(',', ''));
    // Fifty packets a second each way.
    expect(now - before).toBeGreaterThan(60);
  }).toPass({ timeout: 10_000 });
  expect(await gate.innerText()).not.toBe(duration);
  await expect(thread.locator('.unseen')).toContainText(/Carrier leg: Encrypted with (AES_CM_128_HMAC_SHA1_80|AEAD_AES_128_GCM, keys by DTLS)/);
  await page.screenshot({ path: '../out/e2e/live-call.png' });

  // The thread leads to its call, and the way back leads here.
  await thread.click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Call');
  await expect(page.getByText('Connected, and locked on the way to the carrier.')).toBeVisible();
  await expect(page.getByText(/(49|50|51) packets\/s/).first()).toBeVisible();
  await page.screenshot({ path: '../out/e2e/call.png' });
  await page.goBack();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
});

test('pause holds the picture still, resume takes it up again', async ({ page }) => {
  const gate = page.locator('a.thread .gate').first();
  await expect(gate).toBeVisible({ timeout: 70_000 });
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByText(/paused at \d\d:\d\d:\d\d/)).toBeVisible();
  const still = await gate.innerText();
  await page.waitForTimeout(2500);
  expect(await gate.innerText()).toBe(still);
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(page.locator('p.live')).toBeVisible();
  await expect(gate).not.toHaveText(still);
});

test('a lost connection is said, and taken up again by itself', async ({ page, context, watch }) => {
  watch.forgive.push(/ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|ERR_FAILED/);
  await context.setOffline(true);
  // The stream is opened anew only when it breaks; the browser's own switch leaves the open one alone.
  await page.evaluate(() => dispatchEvent(new HashChangeEvent('hashchange')));
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(page.getByText('connection lost, trying again')).toBeVisible();
  await expect(page.getByRole('alert')).toContainText('The box has not answered since');
  await page.screenshot({ path: '../out/e2e/lost.png' });
  await context.setOffline(false);
  await expect(page.locator('p.live')).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText('The box has not answered')).toBeHidden();
});

test('what the network sent is shown as text and does nothing', async ({ page }) => {
  await expect(page.locator('main')).toContainText('"><img src=x');
  for (const place of ['overview', 'calls', 'connections', 'network', 'system']) {
    await go(page, place);
    expect(await page.locator('img, iframe, object, embed, script:not([src])').count()).toBe(0);
  }
});

test('a session that ends elsewhere leads back to the log-in and leaves nothing on the screen', async ({ page, context, watch }) => {
  watch.forgive.push(/status of 401/);
  await expect(page.locator('section.border')).toBeVisible();
  const other = await context.newPage();
  await other.goto('/#/system');
  await other.getByRole('button', { name: 'Log out' }).click();
  await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible({ timeout: 20_000 });
  await expect(page.getByText('Calls went on.')).toBeVisible();
  await expect(page.locator('section.border')).toHaveCount(0);
});
