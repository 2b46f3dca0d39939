import { lost, main, setup } from './boxes';
import { expect, go, logIn, speak, test } from './page';

test.beforeEach(({ page }) => speak(page, 'en'));

test('a policy with faults changes nothing, and each fault leads to its line', async ({ page, watch }) => {
  watch.forgive.push(/status of 422/);
  await logIn(page, main.address);
  await go(page, 'system/import');
  await page.getByLabel('Policy (YAML)').fill('version: 1\nsite:\n  nam: Lyon\nlimits:\n  calls: many\n');
  await page.getByRole('button', { name: 'Check and try' }).click();
  await expect(page.getByRole('alert')).toContainText(/\d+ faults\. Nothing was changed\./);
  await page.getByRole('button', { name: /limits\.calls/ }).click();
  const selected = await page.getByLabel('Policy (YAML)').evaluate((area: HTMLTextAreaElement) => area.value.slice(area.selectionStart, area.selectionEnd));
  expect(selected).toBe('many');
  await page.screenshot({ path: '../out/e2e/faults.png', fullPage: true });
});

test('a policy is tried, counted down on every place, and kept', async ({ page }) => {
  await logIn(page, main.address);
  await go(page, 'system/import');
  await page.getByRole('button', { name: 'Start from the one in force' }).click();
  const field = page.getByLabel('Policy (YAML)');
  await expect(field).toHaveValue(/\*\*\*/);
  // Another than the 30 in force, and than that of an earlier run.
  const limit = 31 + Math.floor(Math.random() * 60);
  await field.fill((await field.inputValue()).replace(/^(limits:\n(?:.*\n)*?\s+calls: )\d+/m, `$1${limit}`));
  await page.getByLabel('Why').fill('a test of the trial');
  await page.getByRole('button', { name: 'Check and try' }).click();

  await expect(page.getByText(/is in force, on trial for 0[12]:\d\d/)).toBeVisible();
  await expect(page.getByText('limits.calls')).toBeVisible();
  const bar = page.getByRole('region', { name: 'Revision on trial' });
  for (const place of ['overview', 'calls', 'connections', 'network', 'system']) {
    await go(page, place);
    await expect(bar).toContainText(/Back to the one before in 0[12]:\d\d/);
  }
  await go(page, 'overview');
  await page.screenshot({ path: '../out/e2e/trial.png', fullPage: true });
  await bar.getByRole('button', { name: /Keep r\d+/ }).click();
  await expect(bar).toBeHidden();
  await go(page, 'system');
  await expect(page.getByText('“a test of the trial”')).toBeVisible();
  await expect(page.getByRole('main')).toContainText(`calls: ${limit}`);
  await expect(page.getByRole('main')).not.toContainText(/secret: (?!"?\*\*\*)\S/);
});

test('a trial that nobody keeps is taken back by itself', async ({ page }) => {
  await logIn(page, lost.address);
  await go(page, 'system/import');
  await page.getByRole('button', { name: 'Start from the one in force' }).click();
  const field = page.getByLabel('Policy (YAML)');
  await expect(field).toHaveValue(/calls: 30/);
  await field.fill((await field.inputValue()).replace('calls: 30', 'calls: 7'));
  await page.getByRole('button', { name: 'Check and try' }).click();
  await expect(page.getByRole('region', { name: 'Revision on trial' })).toBeVisible();
  await go(page, 'overview');
  await expect(page.getByText('/ 7')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Revision on trial' })).toBeHidden({ timeout: 15_000 });
  await expect(page.getByText('/ 30')).toBeVisible();
});

test('a file that is no policy is told before it is sent', async ({ page }) => {
  await logIn(page, main.address);
  await go(page, 'system/import');
  await page.locator('input[type=file]').setInputFiles({ name: 'p.yaml', mimeType: 'text/yaml', buffer: Buffer.from([0x89, 0xff, 0]) });
  await expect(page.getByText('This file is not text.')).toBeVisible();
  await page.locator('input[type=file]').setInputFiles({ name: 'p.yaml', mimeType: 'text/yaml', buffer: Buffer.from('version: 1\n') });
  await expect(page.getByLabel('Policy (YAML)')).toHaveValue('version: 1\n');
});

test('the policy can be saved as a file, secrets masked', async ({ page }) => {
  await logIn(page, main.address);
  await go(page, 'system');
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as file' }).click();
  const file = await download;
  expect(file.suggestedFilename()).toMatch(/^tollgate-r\d+\.yaml$/);
});

test('a box without a policy says why no call passes and where to bring one', async ({ page }) => {
  await logIn(page, setup.address);
  await expect(page.getByText('No call can cross yet')).toBeVisible();
  await page.screenshot({ path: '../out/e2e/setup.png', fullPage: true });
  await page.getByRole('link', { name: 'Import a policy' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Import a policy' })).toBeVisible();
  await go(page, 'system');
  await expect(page.getByText('There is no policy yet.')).toBeVisible();
});
