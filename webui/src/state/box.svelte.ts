/** What every component may need, handed down by context. */
import { getContext, setContext } from 'svelte';
import { Client } from '../api/client';
import { say, type Said } from '../api/problem';
import { moment, type Locale } from '../format/time';
import type { Words } from '../words/words';
import { Alarms } from './alarms.svelte';
import { Ended } from './ended.svelte';
import { Live } from './live.svelte';
import { Here } from './place.svelte';
import { Preferences } from './preferences.svelte';
import { Session } from './session.svelte';
import { Trial } from './trial.svelte';

export class Box {
  readonly client = new Client();
  readonly preferences = new Preferences();
  readonly session = new Session(this.client);
  readonly live = new Live(this.client, () => void this.session.ask());
  readonly trial = new Trial(this.client, this.live);
  readonly alarms = new Alarms(this.client, this.live);
  readonly here = new Here();
  readonly ended = new Ended(this.client);

  get words(): Words {
    return this.preferences.words;
  }

  get locale(): Locale {
    return this.words.locale;
  }

  /** The site's time zone; empty until it is known, which means the browser's own. */
  get zone(): string {
    return this.live.overview?.site.time_zone ?? '';
  }

  /** A time of the box as a person reads it. */
  when(time: string): string {
    return moment(Date.parse(time), this.live.now, this.zone, this.locale);
  }

  say(error: unknown): Said {
    return say(error, this.words);
  }
}

const key = Symbol('box');

export function provideBox(box: Box): Box {
  return setContext(key, box);
}

export function getBox(): Box {
  return getContext<Box>(key);
}
