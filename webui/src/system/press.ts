/** Waiting for somebody who presses the button of the box. */

/** How long the page waits for somebody to walk to the box, in milliseconds. */
export const patience = 180_000;

/** pressed tells whether the button was pressed since the page began to wait: before is what the box said of a press then. */
export function pressed(before: string | undefined, until: string | undefined): boolean {
  return until !== undefined && until !== before;
}

/** left is how long the page still waits, in milliseconds; 0: no longer. */
export function left(began: number, now: number): number {
  return Math.max(0, began + patience - now);
}
