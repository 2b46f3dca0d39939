/** Something that is asked of the box: whether it is under way, and what went wrong the last time. */
export class Attempt {
  busy = $state(false);
  trouble = $state<unknown>();

  async make(what: () => Promise<unknown>): Promise<void> {
    this.busy = true;
    this.trouble = undefined;
    try {
      await what();
    } catch (error) {
      this.trouble = error;
    }
    this.busy = false;
  }
}
