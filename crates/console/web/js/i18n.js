// The catalogue: every text of the page in Chinese and English. The browser's language chooses first, then the person.

import { en } from './en.js';
import { reasons } from './reasons.js';
import { zh } from './zh.js';

const KEPT = 'tenfold/language';
const CATALOGUES = { zh, en };

let language = chosen();

function chosen() {
  const kept = localStorage.getItem(KEPT);
  if (kept in CATALOGUES) return kept;
  return navigator.language.toLowerCase().startsWith('en') ? 'en' : 'zh';
}

/** The language in use: `zh` or `en`. */
export const current = () => language;

/** Changes it, and keeps that. */
export function choose(next) {
  language = next;
  localStorage.setItem(KEPT, next);
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en';
}

/** A text, with its `{places}` filled in. */
export function t(key, places = {}) {
  const text = CATALOGUES[language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => places[name] ?? whole);
}

/** A word for a value that a service names, such as an enum's; the value itself if there is none. */
export const word = (value) => CATALOGUES[language][value] ?? value ?? '';

/** The title of a reason; the reason itself if it is not known. */
export function title(reason) {
  const [en, zh] = reasons[reason] ?? [reason, reason];
  return language === 'zh' ? zh : en;
}

/** What a refusal says: in the page's language where its reason is known, in the service's words otherwise. What to do
 * comes first where the service's own words are not the page's language. */
export function refused({ reason, message, help }) {
  const [, , todo] = reasons[reason] ?? [];
  return { title: title(reason), lines: language === 'zh' && todo ? [todo, message] : [message, help] };
}

choose(language);
