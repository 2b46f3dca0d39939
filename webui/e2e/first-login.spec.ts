import { first, firstPassword, password, user } from './boxes';
import { expect, speak, test } from './page';

test.use({ baseURL: first.address });

test('the first password opens nothing until it is replaced, then the page opens and closes', async ({ page, watch }) => {
  watch.forgive.push(/status of 401/);
  await speak(page, 'en');
  await page.goto('/');
  await expect(page).toHaveTitle('Log in – Tollgate');

  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password', { exact: true }).fill('not the password');
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('alert')).toContainText('password is wrong');
  await page.screenshot({ path: '../out/e2e/log-in-wrong.png' });

  await page.getByLabel('Password', { exact: true }).fill(firstPassword);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('heading', { name: 'Choose your own password' })).toBeVisible();

  // A place's own address does not lead around it.
  await page.goto('/#/system');
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Choose your own password' })).toBeVisible();
  await page.getByLabel('Current password').fill(firstPassword);

  const set = page.getByRole('button', { name: 'Set the password' });
  await page.getByLabel('New password', { exact: true }).fill('short');
  await expect(page.getByText('11 characters to go')).toBeVisible();
  await expect(set).toBeDisabled();
  await page.getByLabel('New password', { exact: true }).fill(password);
  await expect(page.getByText('Strong.')).toBeVisible();
  await page.getByLabel('New password, once more').fill(password + '!');
  await expect(page.getByText('The two are not the same.')).toBeVisible();
  await expect(set).toBeDisabled();
  await page.screenshot({ path: '../out/e2e/first-password.png' });
  await page.getByLabel('New password, once more').fill(password);
  await set.click();

  await expect(page.getByRole('heading', { level: 1, name: 'System' })).toBeVisible();
  await page.getByRole('button', { name: 'Log out' }).click();
  await expect(page.getByText('You are logged out.')).toBeVisible();
  await page.goto('/#/calls');
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible();
  expect((await page.request.get('/api/v1/overview')).status()).toBe(401);

  // The new password holds, the first one no longer.
  await page.getByLabel('Password', { exact: true }).fill(firstPassword);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Calls' })).toBeVisible();
});

test('somebody who keeps guessing is told to wait', async ({ page, watch }) => {
  watch.forgive.push(/status of (401|429)/);
  await speak(page, 'fr');
  await page.goto('/');
  for (let i = 0; i < 12; i++) {
    await page.locator('#password').fill(`guess number ${i}`);
    await page.locator('form button[type=submit]').click();
    await expect(page.getByRole('alert')).toBeVisible();
    if (await page.getByText(/Attendez \d+ s/).isVisible()) return;
    await page.waitForTimeout(100);
  }
  throw new Error('twelve guesses were let pass');
});
