import { expect, test } from 'vitest';
import { en } from './en';
import { fr } from './fr';
import { choose, known } from './words';

test('the language is what was chosen, else that of the site, else what the browser asks for', () => {
  expect(choose('fr', 'en', ['en'])).toBe('fr');
  expect(choose('', 'fr', ['en'])).toBe('fr');
  expect(choose('', '', ['de-DE', 'fr-CA', 'en'])).toBe('fr');
  expect(choose('', 'de', [])).toBe('en');
});

test.each([undefined, '', 'xx', 'toString', '__proto__'])('a tag nobody knows is none: %s', (tag) => {
  expect(known(tag)).toBeUndefined();
});

/** Every leaf of the words, by its path. Functions are called with numbers and texts in turn. */
function leaves(words: object, path = ''): [string, string][] {
  return Object.entries(words).flatMap(([key, value]): [string, string][] => {
    const here = path ? `${path}.${key}` : key;
    if (typeof value === 'string') return [[here, value]];
    if (typeof value === 'object') return leaves(value as object, here);
    const span = { value: 3, unit: 'minute' };
    const args = /ago|span|up|registered|expiresIn|[lL]asting|avoided|within$|callBackUntil/.test(key) && key !== 'trunksUp' ? [span, span] : [2, 5, 7];
    return [[here, String((value as (...a: unknown[]) => unknown)(...args))]];
  });
}

test('no French word is missing, empty or left in English', () => {
  // Names, units and words that both languages share.
  const same = new Set([
    'locale', 'border.gate', 'connections.pbx', 'link.pause', 'network.perSecond', 'border.pbx', 'counters.ping', 'system.site', 'system.version', 'title', 'hearing.codec',
  ]);
  const english = new Map(leaves(en));
  for (const [path, text] of leaves(fr)) {
    expect(text.trim(), path).not.toBe('');
    if (/^(span|foot\.up)$/.test(path) || same.has(path)) continue;
    expect(text, path).not.toBe(english.get(path));
  }
});

test('French sets a no-break space before : ; ? ! and inside « »', () => {
  for (const [path, text] of leaves(fr)) expect(text, path).not.toMatch(/ [:;?!»]|« |[^\s\u00a0\u202f][;?!»]/);
});

test('zero is plural in English and singular in French', () => {
  expect(en.call.packets(0)).toBe('0 packets');
  expect(fr.call.packets(0)).toBe('0 paquet');
  expect(en.call.packets(1)).toBe('1 packet');
  expect(fr.call.packets(2)).toBe('2 paquets');
});
