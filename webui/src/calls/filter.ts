/** Looking for calls by what is seen of them: every word typed must stand somewhere in the row. */
import type { Call, Refusal } from '../api/types';
import { spell } from '../format/number';

/** Digits are found however they were grouped: 047210 and "+33 4 72" both find +33472105518. */
function fits(filter: string, fields: string[]): boolean {
  const text = fields.join('\n').toLowerCase();
  const packed = text.replace(/[ .\-()]/g, '');
  const wanted = filter.toLowerCase().trim();
  const digits = wanted.replace(/[ .\-()]/g, '');
  if (/^\+?\d+$/.test(digits) && packed.includes(digits.replace(/^0(?=[1-9])/, ''))) return true;
  return wanted.split(/\s+/).every((word) => text.includes(word));
}

export function fitsCall(call: Call, filter: string): boolean {
  const { caller, callee } = call.legs;
  return fits(filter, [
    call.from, call.to, spell(call.from), spell(call.to), call.trunk,
    ...[caller, callee].flatMap((leg) => [leg.peer, leg.suite, leg.keying]),
  ]);
}

export function fitsRefusal(refusal: Refusal, filter: string): boolean {
  const { from, to, side, source, rule, reason, status } = refusal;
  return fits(filter, [from, to, spell(from), spell(to), side, source, rule, reason, String(status)]);
}
