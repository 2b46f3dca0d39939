/** Why the box did not do what the page asked. */
import { own, type Words } from '../words/words';
import type { Fault, Problem } from './types';

/** Trouble is what every failed request throws: the API's problem document, or that there was no answer at all. */
export class Trouble extends Error {
  /** The last part of the problem's type, e.g. "wrong-password"; "unreachable" when there was no answer. */
  readonly kind: string;
  readonly detail: string;
  readonly remedy: string;
  readonly faults: Fault[];
  /** Seconds to wait before another try; 0 when the box did not say. */
  readonly wait: number;

  constructor(problem?: Partial<Problem>, wait = 0) {
    super(problem?.title ?? 'no answer');
    this.kind = problem ? (problem.type?.split(':').pop() ?? 'failed') : 'unreachable';
    this.detail = problem?.detail ?? problem?.title ?? '';
    this.remedy = problem?.remedy ?? '';
    this.faults = problem?.faults ?? [];
    this.wait = wait;
  }
}

/** Said is a trouble in words: what is, and what to do. */
export interface Said {
  what: string;
  remedy: string;
}

/**
 * say puts a trouble into the words of the page. The API writes English and knows the case at hand, so its own words
 * win in English; the other languages know the kinds.
 */
export function say(error: unknown, words: Words): Said {
  const trouble = error instanceof Trouble ? error : new Trouble({ detail: String(error) });
  const known = own(words.problems, trouble.kind);
  const boxes = { what: trouble.detail, remedy: trouble.remedy };
  if (words.locale === 'en-GB' && boxes.what) return { what: boxes.what, remedy: boxes.remedy || known?.[1] || '' };
  if (known) return { what: known[0], remedy: trouble.wait > 0 ? words.wait(trouble.wait) : known[1] };
  return boxes.what ? boxes : { what: words.problems.failed![0], remedy: words.problems.failed![1] };
}
