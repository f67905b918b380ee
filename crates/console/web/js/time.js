// Moments in the lab's zone, and how long until them.

import { current, t } from './i18n.js';

let zone = 'UTC';

/** The zone that moments are told in from now on. */
export function inZone(name) {
  zone = name || 'UTC';
}

const told = (at, options) => new Intl.DateTimeFormat(current() === 'zh' ? 'zh-CN' : 'en-GB', {
  timeZone: zone, hourCycle: 'h23', ...options,
}).format(at);

/** `14:05`, with the day if it is not today. */
export function clock(at) {
  if (!at) return '';
  const day = { month: '2-digit', day: '2-digit' };
  const time = { hour: '2-digit', minute: '2-digit' };
  return told(at, told(at, day) === told(Date.now(), day) ? time : { ...day, ...time });
}

/** Day and time to the second, for records. */
export const exact = (at) => (at ? told(at, {
  year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
}) : '');

/** `38 min`, `2 h 05`: the two largest parts of a length of time. */
export function length(ms) {
  const minutes = Math.floor(Math.abs(ms) / 60_000);
  if (minutes < 60) return t('time.minutes', { n: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return t('time.hours', { h: hours, m: String(minutes % 60).padStart(2, '0') });
  return t('time.days', { n: Math.floor(hours / 24) });
}

/** How long until a moment, or how late it is. */
export function until(at) {
  if (!at) return '';
  const left = at - Date.now();
  return left >= 0 ? t('time.left', { time: length(left) }) : t('time.late', { time: length(left) });
}

/** Half an hour before a deadline everybody looks up. */
const SOON_MS = 30 * 60_000;

/** `late`, `soon` or nothing. */
export function urgency(at) {
  if (!at) return '';
  const left = at - Date.now();
  return left < 0 ? 'late' : left < SOON_MS ? 'soon' : '';
}
