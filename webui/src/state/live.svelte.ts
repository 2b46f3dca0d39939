/** The overview as it is now, pushed by the box, and the box's clock. */
import type { Client } from '../api/client';
import type { Overview } from '../api/types';

export type Link = 'connecting' | 'live' | 'reconnecting' | 'paused';

/**
 * A browser waits for minutes before it believes that a cable was pulled, and it hides the box's heartbeat from the
 * page. So after a while without news the page opens the stream anew, which costs nothing and answers at once.
 */
const silence = 30_000;
/** No answer in this time is a lost connection. */
const patience = 8_000;
/** A loss this long is told in words. */
const worthAWord = 4_000;
const firstRetry = 1_000;
const longestRetry = 15_000;

export class Live {
  /** The latest overview; undefined until the first one. */
  overview = $state.raw<Overview | undefined>();
  /** The one before it, for what is counted per second. */
  before = $state.raw<Overview | undefined>();
  link = $state<Link>('connecting');
  /** The connection has been lost for long enough to be worth a word: a stream that reopens at once is not. */
  stale = $state(false);
  /** The box's clock in milliseconds, ticking; it stands still while paused. */
  now = $state(0);

  readonly #client: Client;
  readonly #turnedAway: () => void;
  #source: EventSource | undefined;
  /** How far the box's clock is ahead of this browser's; measured anew by each start. */
  #ahead = 0;
  #measured = false;
  #heard = 0;
  #asked = 0;
  #lostAt = 0;
  #retry = firstRetry;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #waiting: ReturnType<typeof setTimeout> | undefined;

  /** turnedAway is called when the box refused the stream, which it does when the session is over. */
  constructor(client: Client, turnedAway: () => void) {
    this.#client = client;
    this.#turnedAway = turnedAway;
  }

  /** start shows what is, and follows it. */
  start(): void {
    this.stop();
    this.#lostAt = Date.now();
    this.#lost();
    this.#measured = false;
    this.#ticker = setInterval(() => this.#tick(), 1000);
    this.#open();
    void this.refresh();
  }

  stop(): void {
    this.#source?.close();
    clearInterval(this.#ticker);
    clearTimeout(this.#waiting);
  }

  /** forget drops what was seen, so that nobody reads it after a log-out. */
  forget(): void {
    this.stop();
    this.overview = undefined;
    this.before = undefined;
    this.link = 'connecting';
  }

  pause(): void {
    this.stop();
    this.link = 'paused';
    this.stale = false;
  }

  /** refresh fetches the overview at once. A failure is left to the stream, which meets it too. */
  async refresh(): Promise<void> {
    try {
      this.#take(await this.#client.overview());
    } catch {
      // See above.
    }
  }

  #open(): void {
    this.#source?.close();
    this.#asked = Date.now();
    const source = new EventSource('/api/v1/events');
    this.#source = source;
    source.addEventListener('open', () => this.#alive());
    source.addEventListener('overview', (event) => {
      this.#alive();
      this.#take(JSON.parse(event.data) as Overview);
    });
    source.addEventListener('error', () => this.#broken(source));
  }

  #alive(): void {
    this.#heard = Date.now();
    this.#asked = 0;
    this.#retry = firstRetry;
    this.link = 'live';
    this.stale = false;
  }

  #lost(): void {
    if (this.link === 'live') this.#lostAt = Date.now();
    this.link = this.overview ? 'reconnecting' : 'connecting';
  }

  /** A stream that broke reopens itself; one that was turned away (readyState CLOSED) does not. */
  #broken(source: EventSource): void {
    if (source !== this.#source) return;
    this.#lost();
    if (source.readyState !== EventSource.CLOSED) return;
    this.#turnedAway();
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.#open(), this.#retry);
    this.#retry = Math.min(2 * this.#retry, longestRetry);
  }

  #take(overview: Overview): void {
    if (this.link === 'paused') return;
    const restarted = this.overview?.started !== overview.started;
    const ahead = Date.parse(overview.at) - Date.now();
    this.before = restarted ? undefined : this.overview;
    this.overview = overview;
    // An overview is never younger than it says, so the greatest difference is the one that waited least.
    this.#ahead = restarted || !this.#measured ? ahead : Math.max(this.#ahead, ahead);
    this.#measured = true;
    this.now = Date.now() + this.#ahead;
  }

  #tick(): void {
    if (this.overview) this.now = Date.now() + this.#ahead;
    this.stale = this.link === 'reconnecting' && Date.now() - this.#lostAt > worthAWord;
    if (this.link !== 'live') return;
    if (this.#asked > 0 && Date.now() - this.#asked > patience) this.#lost();
    else if (this.#asked === 0 && Date.now() - this.#heard > silence) this.#open();
  }
}
