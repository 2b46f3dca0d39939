/** What to do about an update that the box has left, by the check that it did not pass. */
import type { UpdateAttempt } from '../api/types';
import type { Words } from '../words/words';

export function remedy(check: UpdateAttempt['check'], words: Words['update']): string {
  switch (check) {
    case undefined:
      return words.remedies.none;
    case 'trunk':
    case 'policy':
      return words.remedies[check];
    default:
      return words.remedies.other;
  }
}
