/** The calls that are over. The box is asked for them when somebody looks, and again when a call has ended. */
import type { Client } from '../api/client';
import type { EndedCall } from '../api/types';

export class Ended {
  /** Newest first; undefined until the box has answered. */
  calls = $state.raw<EndedCall[] | undefined>();
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** look asks the box. When it does not answer, what is known stays: the link says that it is lost. */
  async look(): Promise<void> {
    try {
      this.calls = await this.#client.endedCalls();
    } catch {
      this.calls ??= [];
    }
  }
}
