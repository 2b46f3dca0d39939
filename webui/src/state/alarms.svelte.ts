/** Saying that an emergency was seen. */
import type { Client } from '../api/client';
import type { Emergency } from '../api/types';
import type { Live } from './live.svelte';

export class Alarms {
  busy = $state(false);
  trouble = $state<unknown>();
  readonly #client: Client;
  readonly #live: Live;

  constructor(client: Client, live: Live) {
    this.#client = client;
    this.#live = live;
  }

  async acknowledge(emergency: Pick<Emergency, 'at' | 'call'>): Promise<void> {
    this.busy = true;
    this.trouble = undefined;
    try {
      await this.#client.acknowledge(emergency);
    } catch (error) {
      this.trouble = error;
    }
    await this.#live.refresh();
    this.busy = false;
  }
}
