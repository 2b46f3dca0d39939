/** Times in the site's own zone; UTC is for the tooltip. */

/** Locale chooses the custom of writing dates: English here is the English of Europe. */
export type Locale = 'en-GB' | 'fr-FR';

/** A time that is none must not break the page around it. */
const unknown = '–';

function format(at: number, zone: string, locale: Locale, options: Intl.DateTimeFormatOptions): string {
  if (Number.isNaN(at)) return unknown;
  try {
    return new Intl.DateTimeFormat(locale, { timeZone: zone || undefined, ...options }).format(at);
  } catch {
    // A zone that this browser does not know. Its own is better than nothing; the tooltip holds UTC.
    return new Intl.DateTimeFormat(locale, options).format(at);
  }
}

/** 15:58 */
export function minute(at: number, zone: string, locale: Locale): string {
  return format(at, zone, locale, { hour: '2-digit', minute: '2-digit' });
}

/** 15:57:51 */
export function second(at: number, zone: string, locale: Locale): string {
  return format(at, zone, locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

/** Sunday 22 November */
export function day(at: number, zone: string, locale: Locale): string {
  return format(at, zone, locale, { weekday: 'long', day: 'numeric', month: 'long' }).replace(',', '');
}

/** 22 Nov, 15:58; on the day of now only 15:58. */
export function moment(at: number, now: number, zone: string, locale: Locale): string {
  if (Number.isNaN(at)) return unknown;
  const date: Intl.DateTimeFormatOptions = { year: 'numeric', month: 'short', day: 'numeric' };
  if (format(at, zone, locale, date) === format(now, zone, locale, date)) return minute(at, zone, locale);
  const sameYear = format(at, zone, locale, { year: 'numeric' }) === format(now, zone, locale, { year: 'numeric' });
  const short: Intl.DateTimeFormatOptions = sameYear ? { month: 'short', day: 'numeric' } : date;
  return `${format(at, zone, locale, short)}, ${minute(at, zone, locale)}`;
}

/** 15:58 on the day of now, else 22 Nov: for where there is little room. */
export function brief(at: number, now: number, zone: string, locale: Locale): string {
  return moment(at, now, zone, locale).replace(/, [^,]*$/, '');
}

/** 2026-11-22 14:58:03 UTC */
export function utc(at: number): string {
  if (Number.isNaN(at)) return unknown;
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ') + ' UTC';
}

/** 04:12, or 1:04:12 from an hour on. Never negative. */
export function duration(milliseconds: number): string {
  const total = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(total / 3600);
  const rest = `${two(Math.floor(total / 60) % 60)}:${two(total % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** The same as an ISO 8601 duration, for <time datetime>. */
export function isoDuration(milliseconds: number): string {
  return `PT${Math.max(0, Math.floor(milliseconds / 1000))}S`;
}

/** Span is a length of time as a person says it: one number, one unit. */
export interface Span {
  value: number;
  unit: 'second' | 'minute' | 'hour' | 'day';
}

/** span rounds down to the greatest unit that fits. */
export function span(milliseconds: number): Span {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return { value: seconds, unit: 'second' };
  if (seconds < 3600) return { value: Math.floor(seconds / 60), unit: 'minute' };
  if (seconds < 86400) return { value: Math.floor(seconds / 3600), unit: 'hour' };
  return { value: Math.floor(seconds / 86400), unit: 'day' };
}
