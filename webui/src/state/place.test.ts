import { expect, test } from 'vitest';
import { read, write } from './place.svelte';

test('a place survives its address', () => {
  for (const [inside, filter] of [
    ['', ''],
    ['call-7', ''],
    ['a/b?c#d é', 'carrier-a & +33'],
  ] as const) {
    expect(read(write('calls', inside, filter))).toEqual({ name: 'calls', inside, filter });
  }
});

test.each(['', '#', '#/', '#/nowhere', '#/nowhere/x?filter=y', '#/%'])('an address nobody knows is the overview: %s', (hash) => {
  expect(read(hash)).toEqual({ name: 'overview', inside: '', filter: '' });
});

test('a broken escape does not break the page', () => {
  expect(read('#/calls/%E0%A4%A')).toEqual({ name: 'calls', inside: '', filter: '' });
});
