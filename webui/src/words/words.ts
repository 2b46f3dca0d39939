/** The languages of the page. A new one is a file with the type of en and a line here. */
import { en } from './en';
import { fr } from './fr';

export type Words = typeof en;

export type Language = 'en' | 'fr';

export const languages: Record<Language, Words> = { en, fr };

/** known returns the language of a tag such as "fr-CA", or nothing. */
export function known(tag: string | undefined): Language | undefined {
  const primary = tag?.toLowerCase().split('-')[0] ?? '';
  return Object.hasOwn(languages, primary) ? (primary as Language) : undefined;
}

/** choose takes the first that is known: what the person chose, what the site speaks, what the browser asks for. */
export function choose(chosen: string | undefined, site: string | undefined, browser: readonly string[]): Language {
  return known(chosen) ?? known(site) ?? browser.map(known).find(Boolean) ?? 'en';
}

/** own looks a word up by a name that came from elsewhere, which might be "constructor". */
export function own<T>(words: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(words, name) ? words[name] : undefined;
}
