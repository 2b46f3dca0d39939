/** What the machine says of itself, in words. */
import type { Words } from '../words/words';

/** degrees writes a temperature as the language does. */
export function degrees(value: number, locale: string): string {
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(value)} °C`;
}

/** ending says how the program has ended; the box tells it in English, in one of three ways. */
export function ending(how: string, words: Words['board']): string {
  const code = /^exit code (-?\d+)$/.exec(how);
  if (code) return words.exit(code[1]!);
  const signal = /^signal: ([a-z ]+)$/.exec(how);
  return signal ? words.signal(signal[1]!) : words.hung;
}
