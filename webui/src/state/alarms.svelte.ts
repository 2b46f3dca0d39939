/** Saying that an emergency was seen. */
import type { Client } from '../api/client';
import type { Emergency } from '../api/types';
import { Attempt } from './attempt.svelte';
import type { Live } from './live.svelte';

export class Alarms extends Attempt {
  readonly #client: Client;
  readonly #live: Live;

  constructor(client: Client, live: Live) {
    super();
    this.#client = client;
    this.#live = live;
  }

  async acknowledge(emergency: Pick<Emergency, 'at' | 'call'>): Promise<void> {
    await this.make(() => this.#client.acknowledge(emergency).finally(() => this.#live.refresh()));
  }
}
