/** The operations of the box, each as one function that returns the answer or throws a Trouble. */
import type { Delivered, System } from './types';
import { upload } from './upload';
import createClient from 'openapi-fetch';
import { Trouble } from './problem';
import type { paths } from './schema';
import type { Authority, Drop, Emergency, EndedCall, FilterView, FraudBlock, Hardware, ImportResult, Overview, Problem, Rehearsal, Revision, Session, Stick, StickExport, StickFile } from './types';

/** No answer in this time counts as none. */
const patience = 15_000;

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

export class Client {
  readonly #api;

  constructor(fetcher: typeof fetch = (...args) => fetch(...args)) {
    this.#api = createClient<paths>({
      baseUrl: location.origin,
      credentials: 'same-origin',
      fetch: (request) => fetcher(request, { signal: AbortSignal.timeout(patience) }),
    });
  }

  session(): Promise<Session> {
    return answered(this.#api.GET('/api/v1/session'));
  }

  logIn(user: string, password: string): Promise<Session> {
    return answered(this.#api.POST('/api/v1/session', { body: { user, password } }));
  }

  async logOut(): Promise<void> {
    await done(this.#api.DELETE('/api/v1/session'));
  }

  async changePassword(current: string, next: string): Promise<void> {
    await done(this.#api.POST('/api/v1/password', { body: { current, new: next } }));
  }

  overview(): Promise<Overview> {
    return answered(this.#api.GET('/api/v1/overview'));
  }

  /** The latest calls that are over, newest first. */
  async endedCalls(): Promise<EndedCall[]> {
    return (await answered(this.#api.GET('/api/v1/calls/ended'))).calls;
  }

  /** The rules of the packet filter. */
  filter(): Promise<FilterView> {
    return answered(this.#api.GET('/api/v1/filter'));
  }

  /** Why packets were dropped, the latest first. */
  async drops(): Promise<Drop[]> {
    return (await answered(this.#api.GET('/api/v1/filter/drops'))).drops;
  }

  /** What became of the latest USB stick, if there was one, and what is sealed for this box is sealed for. */
  stick(): Promise<{ stick?: Stick; recipient: string }> {
    return answered(this.#api.GET('/api/v1/stick'));
  }

  /** Takes the stick that waits, refuses it, or opens one that is sealed. */
  async decideStick(yes: boolean, phrase?: string): Promise<Stick | undefined> {
    return (await answered(this.#api.POST('/api/v1/stick', { body: { yes, phrase } }))).stick;
  }

  /** Writes onto the stick. A card or a stick is slow: there is no time limit. */
  async writeStick(what: StickExport): Promise<StickFile[]> {
    return (await answered(this.#api.POST('/api/v1/stick/export', { body: what }))).files;
  }

  /** The machine, and how the program has ended before its time. */
  hardware(): Promise<Hardware> {
    return answered(this.#api.GET('/api/v1/hardware'));
  }

  /** Says that every end of the program was seen. */
  dismissCrashes(): Promise<Hardware> {
    return answered(this.#api.POST('/api/v1/crashes/dismiss', { headers: { 'Content-Type': 'application/json' } }));
  }

  /** What the machine runs. */
  system(): Promise<System> {
    return answered(this.#api.GET('/api/v1/system'));
  }

  /** Brings a bundle, with the pass phrase of its sealed parts; told is how much of it has gone up, 0 to 1. There is no time limit: a card is slow. */
  update(file: Blob, told: (part: number) => void, phrase?: string): Promise<Delivered> {
    return upload<Delivered>('/api/v1/update', file, told, phrase);
  }

  async restart(): Promise<void> {
    await done(this.#api.POST('/api/v1/restart', { headers: { 'Content-Type': 'application/json' } }));
  }

  /** The box's own CA and its fingerprint. */
  authority(): Promise<Authority> {
    return answered(this.#api.GET('/api/v1/authority'));
  }

  /** The confirmed policy as YAML, secrets masked. */
  policy(): Promise<string> {
    return answered(this.#api.GET('/api/v1/policy', { parseAs: 'text' }));
  }

  /** rehearse tells which calls of the last days a policy would not let through, and changes nothing. */
  rehearse(document: string): Promise<Rehearsal> {
    return answered(this.#api.POST('/api/v1/policy/rehearse', { body: { document } }));
  }

  importPolicy(document: string, why: string): Promise<ImportResult> {
    return answered(this.#api.POST('/api/v1/policy', { body: { document, why } }));
  }

  async acknowledge(emergency: Pick<Emergency, 'at' | 'call'>): Promise<void> {
    await done(this.#api.POST('/api/v1/emergencies/acknowledge', { body: { at: emergency.at, call: emergency.call } }));
  }

  /** Keeps a source away for some minutes. */
  async ban(source: string, minutes: number): Promise<void> {
    await done(this.#api.POST('/api/v1/bans', { body: { source, minutes } }));
  }

  async liftBan(source: string): Promise<void> {
    await done(this.#api.POST('/api/v1/bans/lift', { body: { source } }));
  }

  /** Releases what is blocked against fraud. */
  async release(kind: FraudBlock['kind'], of: string): Promise<void> {
    await done(this.#api.POST('/api/v1/fraud/release', { body: { kind, of } }));
  }

  /** Begins to replace a password; what the box has made is in the answer, this once. */
  rotate(id: string, secret?: string): Promise<{ secret: string }> {
    return answered(this.#api.POST('/api/v1/credentials/rotate', { body: { id, secret } }));
  }

  async cancelRotation(id: string): Promise<void> {
    await done(this.#api.POST('/api/v1/credentials/cancel', { body: { id } }));
  }

  confirm(revision: number): Promise<Revision> {
    return answered(this.#api.POST('/api/v1/policy/confirm', { body: { revision } }));
  }
}

async function done(request: Promise<Answer<unknown>>): Promise<Answer<unknown>> {
  let answer: Answer<unknown>;
  try {
    answer = await request;
  } catch {
    throw new Trouble();
  }
  if (answer.response.ok) return answer;
  throw new Trouble(problem(answer), Number(answer.response.headers.get('Retry-After')) || 0);
}

async function answered<T>(request: Promise<Answer<T>>): Promise<T> {
  const answer = (await done(request)) as Answer<T>;
  if (answer.data === undefined) throw new Trouble({ detail: 'The box sent an empty answer.' });
  return answer.data;
}

/** A proxy or a box that is just starting may answer with something else than a problem document. */
function problem(answer: Answer<unknown>): Partial<Problem> {
  let body = answer.error;
  if (typeof body === 'string') {
    try {
      body = JSON.parse(body);
    } catch {
      body = undefined;
    }
  }
  if (body && typeof body === 'object' && 'type' in body) return body as Problem;
  return { detail: `The box answered ${answer.response.status}.` };
}
