import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { en } from '../src/words/en';
import { fr } from '../src/words/fr';
import { expect, go, logIn, speak, test } from './page';

/** Every screen in both languages, light and dark, on a laptop and on a phone. */
const looks = [
  { name: 'light-en', language: 'en', dark: false, phone: false },
  { name: 'dark-fr', language: 'fr', dark: true, phone: false },
  { name: 'phone-light-fr', language: 'fr', dark: false, phone: true },
  { name: 'phone-dark-en', language: 'en', dark: true, phone: true },
] as const;

const screens = ['log-in', 'overview', 'calls', 'call', 'connections', 'network', 'system', 'system/import', 'system/password'];

for (const look of looks) {
  test.describe(look.name, () => {
    test.use({
      colorScheme: look.dark ? 'dark' : 'light',
      ...(look.phone ? { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } : {}),
    });

    for (const screen of screens) {
      test(`${screen}: no fault for axe, nothing scrolls sideways, every target can be hit`, async ({ page }) => {
        await speak(page, look.language);
        await open(page, screen, look.language);
        await page.screenshot({ path: `../out/e2e/${look.name}/${screen.replace('/', '-')}.png`, fullPage: true });

        const axe = await new AxeBuilder({ page }).analyze();
        expect(axe.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target + ' ' + n.failureSummary).join('; ')}`)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
        expect(await small(page)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.lang)).toBe(look.language);
      });
    }
  });
}

async function open(page: Page, screen: string, language: 'en' | 'fr'): Promise<void> {
  if (screen === 'log-in') {
    await page.goto('/');
    await expect(page.locator('#password')).toBeVisible();
    return;
  }
  await logIn(page);
  const words = language === 'en' ? en : fr;
  if (screen === 'call') {
    await go(page, 'calls');
    const link = page.locator('tbody a, ul a.thread').locator('visible=true').first();
    await link.click({ timeout: 70_000 });
    await expect(page.getByRole('heading', { level: 1 })).toContainText(words.call.heading);
    return;
  }
  await go(page, screen);
  const place = screen.split('/')[0] as keyof typeof words.places;
  if (!screen.includes('/')) await expect(page).toHaveTitle(new RegExp(`^${words.places[place]} – .+ – Tollgate$`));
  // What comes after a question of its own.
  if (screen === 'system') await expect(page.getByLabel('YAML')).toBeVisible();
  // Threads have grown.
  await page.waitForTimeout(500);
}

/** What can be clicked but is less than 44 px high or wide, its own box and what else leads to it together. */
function small(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    for (const el of document.querySelectorAll<HTMLElement>('a[href], button, input, textarea, select')) {
      if (!el.checkVisibility({ visibilityProperty: true }) || el.matches('.skip, .unseen, :disabled')) continue;
      el.scrollIntoView({ block: 'center' });
      const { left, top, width, height } = el.getBoundingClientRect();
      const hit = (dx: number, dy: number) => {
        const at = document.elementFromPoint(left + width / 2 + dx, top + height / 2 + dy);
        return at !== null && (el.contains(at) || at.closest('label, tr, div')?.contains(el));
      };
      const reach = (dx: number, dy: number) => {
        let n = 0;
        while (n < 44 && hit(dx * (n + 1), dy * (n + 1))) n++;
        return n;
      };
      const high = height >= 43.5 || reach(0, -1) + reach(0, 1) >= 43;
      const wide = width >= 43.5 || reach(-1, 0) + reach(1, 0) >= 43;
      if (!high || !wide) found.push(`${el.outerHTML.slice(0, 80)} ${Math.round(width)}x${Math.round(height)}`);
    }
    return found;
  });
}
