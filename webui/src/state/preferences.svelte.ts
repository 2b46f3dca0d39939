/** What this browser remembers: language and theme. Empty means: as the site and the system have it. */
import { choose, known, languages, type Language, type Words } from '../words/words';

export type Theme = '' | 'light' | 'dark';

const keys = { language: 'tollgate.language', theme: 'tollgate.theme' };

export class Preferences {
  #language = $state<Language | ''>(known(read(keys.language)) ?? '');
  #theme = $state<Theme>(theme(read(keys.theme)));
  /** The language of the site, known after the log-in. */
  site = $state('');

  readonly language: Language = $derived(choose(this.#language, this.site, navigator.languages));
  readonly words: Words = $derived(languages[this.language]);

  get chosenLanguage(): Language | '' {
    return this.#language;
  }

  set chosenLanguage(language: Language | '') {
    this.#language = language;
    write(keys.language, language);
  }

  get theme(): Theme {
    return this.#theme;
  }

  set theme(theme: Theme) {
    this.#theme = theme;
    write(keys.theme, theme);
  }
}

function theme(text: string | undefined): Theme {
  return text === 'light' || text === 'dark' ? text : '';
}

/** A browser may forbid storage; then the choice lasts as long as the page. */
function read(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

function write(key: string, value: string): void {
  try {
    if (value) localStorage.setItem(key, value);
    else localStorage.removeItem(key);
  } catch {
    // See read.
  }
}
