/** Who is at the page. */
import type { Client } from '../api/client';
import { Trouble } from '../api/problem';

/** asking: not known yet. unreachable: the box gave no answer. must-change: the first password still holds. */
export type Standing = 'asking' | 'unreachable' | 'out' | 'must-change' | 'in';

/** Why the log-in is shown, when the person had been in. */
export type Farewell = '' | 'expired' | 'bye';

/** While somebody uses the page the session is kept alive, at most this often. */
const keepAlive = 60_000;

export class Session {
  standing = $state<Standing>('asking');
  farewell = $state<Farewell>('');
  /** The password of this log-in while it must be changed at once, so that it need not be typed again. */
  first = '';
  readonly #client: Client;
  #touched = 0;
  /** Grows with each log-in and log-out, so that an answer from before is not taken for one after it. */
  #turns = 0;
  /** NaN, which equals nothing, while no answer counts. */
  #turn = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** ask finds out where we stand, and whether a session that was there is over. */
  async ask(): Promise<void> {
    const turn = this.#turn;
    try {
      const session = await this.#client.session();
      if (turn !== this.#turn) return;
      if (!session.logged_in) this.#out(this.standing === 'in' ? 'expired' : this.farewell);
      else this.standing = session.must_change_password ? 'must-change' : 'in';
    } catch (error) {
      if (turn !== this.#turn) return;
      if (error instanceof Trouble && error.kind === 'not-logged-in') this.#out('expired');
      else if (this.standing === 'asking') this.standing = 'unreachable';
    }
  }

  async logIn(user: string, password: string): Promise<void> {
    const session = await this.#client.logIn(user, password);
    this.#turn = ++this.#turns;
    this.farewell = '';
    this.first = session.must_change_password ? password : '';
    this.standing = session.must_change_password ? 'must-change' : 'in';
  }

  async changePassword(current: string, next: string): Promise<void> {
    // The box ends every session and opens a new one for us; whoever asks in between hears of the old one.
    this.#turn = NaN;
    try {
      await this.#client.changePassword(current, next);
      this.first = '';
    } finally {
      this.#turn = ++this.#turns;
    }
    await this.ask();
  }

  async logOut(): Promise<void> {
    this.#turn = ++this.#turns;
    try {
      await this.#client.logOut();
    } catch (error) {
      // A session that is over already is what was asked for.
      if (!(error instanceof Trouble) || error.kind !== 'not-logged-in') throw error;
    }
    this.#out('bye');
  }

  /** touched is called when the person does something: watching alone does not keep a session. */
  touched(now: number): void {
    if (this.standing !== 'in' || now - this.#touched < keepAlive) return;
    this.#touched = now;
    void this.ask();
  }

  #out(farewell: Farewell): void {
    this.#turn = ++this.#turns;
    this.first = '';
    this.farewell = farewell;
    this.standing = 'out';
  }
}
