import { expect, test } from './page';

test('the page is served under a strict policy and holds nothing that would need a wider one', async ({ request }) => {
  const answer = await request.get('/');
  const policy = answer.headers()['content-security-policy'] ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).toContain("style-src 'self'");
  expect(policy).not.toContain('unsafe');
  const html = await answer.text();
  expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/i);

  const assets = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((m) => m[1]!);
  expect(assets.length).toBeGreaterThanOrEqual(3);
  for (const asset of assets) {
    const file = await request.get(asset);
    expect(file.status(), asset).toBe(200);
    expect(file.headers()['cache-control'], asset).toContain('immutable');
  }
});
