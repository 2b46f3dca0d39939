import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Client } from '../api/client';
import type { Overview } from '../api/types';
import { overview } from '../testing/overview';
import { Live } from './live.svelte';

/** A stream that says what the test tells it to. */
class Stream extends EventTarget {
  static readonly CLOSED = 2;
  static opened: Stream[] = [];
  readyState = 1;

  constructor(readonly url: string) {
    super();
    Stream.opened.push(this);
  }

  close() {
    this.readyState = Stream.CLOSED;
  }

  push(o: Overview) {
    this.dispatchEvent(new MessageEvent('overview', { data: JSON.stringify(o) }));
  }

  fail(state: number) {
    this.readyState = state;
    this.dispatchEvent(new Event('error'));
  }
}

const stream = () => Stream.opened.at(-1)!;
/** The browser's clock is two hours behind the box's. */
const browser = Date.parse('2026-11-22T12:58:00Z');
const at = (seconds: number, changed: Partial<Overview> = {}) =>
  overview({ at: new Date(Date.parse('2026-11-22T14:58:00Z') + 1000 * seconds).toISOString(), ...changed });

let live: Live;
const turnedAway = vi.fn();
const client = { overview: vi.fn<() => Promise<Overview>>() };

beforeEach(() => {
  vi.useFakeTimers({ now: browser });
  vi.stubGlobal('EventSource', Stream);
  Stream.opened = [];
  turnedAway.mockClear();
  client.overview.mockReset().mockReturnValue(new Promise(() => {}));
  live = new Live(client as unknown as Client, turnedAway);
  live.start();
});

afterEach(() => {
  live.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('durations follow the clock of the box, not that of the browser', () => {
  expect(live.link).toBe('connecting');
  stream().push(at(0));
  expect(live.link).toBe('live');
  vi.advanceTimersByTime(3000);
  expect(new Date(live.now).toISOString()).toBe('2026-11-22T14:58:03.000Z');
});

test('an overview that is old when it comes does not turn the clock back', () => {
  stream().push(at(0));
  vi.advanceTimersByTime(60_000);
  stream().push(at(0));
  vi.advanceTimersByTime(1000);
  expect(new Date(live.now).toISOString()).toBe('2026-11-22T14:59:01.000Z');
});

test('a box that restarted brings its own clock, and nothing is counted across the restart', () => {
  stream().push(at(0));
  stream().push(at(1));
  expect(live.before?.at).toBe(at(0).at);
  stream().push(at(-3600, { started: '2026-11-22T13:57:00Z' }));
  expect(live.before).toBeUndefined();
  vi.advanceTimersByTime(1000);
  expect(new Date(live.now).toISOString()).toBe('2026-11-22T13:58:01.000Z');
});

test('a stream that breaks is shown as lost and reopens itself', () => {
  stream().push(at(0));
  stream().fail(0);
  expect(live.link).toBe('reconnecting');
  expect(turnedAway).not.toHaveBeenCalled();
  vi.advanceTimersByTime(3000);
  expect(live.stale).toBe(false);
  stream().push(at(5));
  expect(live.link).toBe('live');
});

test('only a loss that lasts is worth a word', () => {
  stream().push(at(0));
  stream().fail(0);
  vi.advanceTimersByTime(6000);
  expect(live.stale).toBe(true);
  stream().push(at(5));
  expect(live.stale).toBe(false);
});

test('a stream that was turned away asks why, and tries again at growing distances', () => {
  stream().push(at(0));
  stream().fail(Stream.CLOSED);
  expect(turnedAway).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1000);
  expect(Stream.opened).toHaveLength(2);
  stream().fail(Stream.CLOSED);
  vi.advanceTimersByTime(1000);
  expect(Stream.opened).toHaveLength(2);
  vi.advanceTimersByTime(1000);
  expect(Stream.opened).toHaveLength(3);
});

test('a silent stream is opened anew without a word, and only called lost when nobody answers', () => {
  stream().push(at(0));
  vi.advanceTimersByTime(32_000);
  expect(Stream.opened).toHaveLength(2);
  expect(live.link).toBe('live');
  stream().dispatchEvent(new Event('open'));
  vi.advanceTimersByTime(10_000);
  expect(live.link).toBe('live');
  vi.advanceTimersByTime(32_000);
  expect(live.link).toBe('reconnecting');
});

test('pause holds everything still; resume follows again with a clock that is right at once', async () => {
  stream().push(at(0));
  live.pause();
  const still = live.now;
  vi.advanceTimersByTime(10_000);
  expect(live.now).toBe(still);
  client.overview.mockResolvedValue(at(10));
  live.start();
  vi.advanceTimersByTime(0);
  expect(Number.isFinite(live.now)).toBe(true);
  await vi.advanceTimersByTimeAsync(1000);
  flushSync();
  expect(new Date(live.now).toISOString()).toBe('2026-11-22T14:58:11.000Z');
});

test('nothing is left after a log-out', () => {
  stream().push(at(0));
  live.forget();
  expect([live.overview, live.before, live.link]).toEqual([undefined, undefined, 'connecting']);
  expect(stream().readyState).toBe(Stream.CLOSED);
});
