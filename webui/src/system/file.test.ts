import { expect, test } from 'vitest';
import { largest, read } from './file';

test('a text file is read, with what is not ASCII', async () => {
  expect(await read(new File(['site:\n  name: Zoë\n'], 'p.yaml'))).toEqual({ text: 'site:\n  name: Zoë\n' });
});

test('what is not text is not sent', async () => {
  expect(await read(new File([new Uint8Array([0x89, 0x50, 0xff])], 'p.png'))).toEqual({ against: 'notText' });
  expect(await read(new File([new Uint8Array([65, 0, 66])], 'p'))).toEqual({ against: 'notText' });
});

test('what the box would not take is not sent', async () => {
  expect(await read(new File([new Uint8Array(largest + 1)], 'p'))).toEqual({ against: 'tooBig' });
});
