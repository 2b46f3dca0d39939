import { beforeEach, expect, test, vi } from 'vitest';
import type { Client } from '../api/client';
import { Trouble } from '../api/problem';
import type { Session as Answer } from '../api/types';
import { Session } from './session.svelte';

const answer = (changed: Partial<Answer> = {}): Answer => ({
  logged_in: true,
  user: 'admin',
  must_change_password: false,
  idle_seconds: 1800,
  ...changed,
});
const trouble = (kind: string) => new Trouble({ type: `urn:tollgate:${kind}` as never });

const client = {
  session: vi.fn<() => Promise<Answer>>(),
  logIn: vi.fn<() => Promise<Answer>>(),
  logOut: vi.fn<() => Promise<void>>(),
  changePassword: vi.fn<() => Promise<void>>(),
};
let session: Session;

beforeEach(() => {
  for (const call of Object.values(client)) call.mockReset();
  client.session.mockResolvedValue(answer());
  client.logIn.mockResolvedValue(answer());
  client.logOut.mockResolvedValue();
  client.changePassword.mockResolvedValue();
  session = new Session(client as unknown as Client);
});

test('a browser that is known goes straight in, another one to the log-in without a word of farewell', async () => {
  await session.ask();
  expect(session.standing).toBe('in');
  client.session.mockResolvedValue(answer({ logged_in: false, user: '' }));
  const stranger = new Session(client as unknown as Client);
  await stranger.ask();
  expect([stranger.standing, stranger.farewell]).toEqual(['out', '']);
});

test('the first password must be changed before anything, and is not asked for twice', async () => {
  client.logIn.mockResolvedValue(answer({ must_change_password: true }));
  await session.logIn('admin', 'from the console');
  expect([session.standing, session.first]).toEqual(['must-change', 'from the console']);
  await session.changePassword('from the console', 'a new one');
  expect([session.standing, session.first]).toEqual(['in', '']);
});

test('a session that is over says so', async () => {
  await session.ask();
  client.session.mockResolvedValue(answer({ logged_in: false }));
  await session.ask();
  expect([session.standing, session.farewell]).toEqual(['out', 'expired']);
});

test('a box that does not answer at first is asked again; later it does not throw anybody out', async () => {
  client.session.mockRejectedValue(new Trouble());
  await session.ask();
  expect(session.standing).toBe('unreachable');
  client.session.mockResolvedValue(answer());
  await session.ask();
  expect(session.standing).toBe('in');
  client.session.mockRejectedValue(new Trouble());
  await session.ask();
  expect(session.standing).toBe('in');
});

test('an answer from before the log-out does not bring anybody back in', async () => {
  await session.ask();
  let late: (a: Answer) => void = () => {};
  client.session.mockReturnValue(new Promise((resolve) => (late = resolve)));
  const asked = session.ask();
  await session.logOut();
  late(answer());
  await asked;
  expect([session.standing, session.farewell]).toEqual(['out', 'bye']);
});

test('who asks while the password is being changed is not thrown out by the answer', async () => {
  await session.ask();
  let change: () => void = () => {};
  client.changePassword.mockReturnValue(new Promise((resolve) => (change = resolve)));
  const changing = session.changePassword('old', 'new');
  client.session.mockResolvedValueOnce(answer({ logged_in: false }));
  await session.ask();
  expect(session.standing).toBe('in');
  change();
  await changing;
  expect(session.standing).toBe('in');
});

test('logging out of a session that is over already is what was wanted; another failure is told', async () => {
  await session.ask();
  client.logOut.mockRejectedValue(trouble('not-logged-in'));
  await session.logOut();
  expect(session.standing).toBe('out');
  client.logOut.mockRejectedValue(new Trouble());
  await expect(session.logOut()).rejects.toThrow();
});

test('using the page keeps the session, at most once a minute; watching alone does not', async () => {
  await session.ask();
  client.session.mockClear();
  session.touched(1_000_000);
  session.touched(1_030_000);
  expect(client.session).toHaveBeenCalledTimes(1);
  session.touched(1_061_000);
  expect(client.session).toHaveBeenCalledTimes(2);
});
