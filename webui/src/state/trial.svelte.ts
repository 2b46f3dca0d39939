/** Keeping the revision on trial, from wherever that is offered. */
import type { Client } from '../api/client';
import type { Live } from './live.svelte';

export class Trial {
  busy = $state(false);
  trouble = $state<unknown>();
  readonly #client: Client;
  readonly #live: Live;

  constructor(client: Client, live: Live) {
    this.#client = client;
    this.#live = live;
  }

  async keep(revision: number): Promise<void> {
    this.busy = true;
    this.trouble = undefined;
    try {
      await this.#client.confirm(revision);
    } catch (error) {
      this.trouble = error;
    }
    await this.#live.refresh();
    this.busy = false;
  }
}
