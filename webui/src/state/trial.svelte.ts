/** Keeping the revision on trial, from wherever that is offered. */
import type { Client } from '../api/client';
import { Attempt } from './attempt.svelte';
import type { Live } from './live.svelte';

export class Trial extends Attempt {
  readonly #client: Client;
  readonly #live: Live;

  constructor(client: Client, live: Live) {
    super();
    this.#client = client;
    this.#live = live;
  }

  async keep(revision: number): Promise<void> {
    await this.make(() => this.#client.confirm(revision).finally(() => this.#live.refresh()));
  }
}
