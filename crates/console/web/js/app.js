// The shell around every screen: the scan input that always has the focus, the queue behind it, the connection, and
// which screen is shown.

import { Silence, setup } from './api.js';
import { SCREENS, badge, clean } from './commands.js';
import { h, shape } from './dom.js';
import { choose, current, refused, t } from './i18n.js';
import { Live } from './live.js';
import { here, move, worker } from './place.js';
import { placePanel } from './placepanel.js';
import { Queue } from './queue.js';
import { screens } from './screens/all.js';
import { hush, silent, sound } from './sound.js';
import { inZone } from './time.js';

/** Answers of a screen that are kept to be looked at. */
const HISTORY_MAX = 12;

/** Most scans that wait shown one by one. */
const WAITING_MAX = 8;

/** Countdowns move on. */
const TICK_MS = 5_000;

/** Answers that come within this time are looked at together. */
const REFRESH_MS = 60;

/** An answer that takes longer is told to be on its way: what stands there belongs to an earlier tube. */
const LATE_MS = 400;

const THEME = 'tenfold/theme';

const app = {
  setup: { labs: [], assays: [], layouts: [] },
  screen: screens.pool,
  histories: {},
  answers: [],
  connected: true,
  placing: false,
};

const queue = new Queue({
  resolve: (entry) => (entry.screen in screens ? screens[entry.screen].resolve(entry, app) : { local: { tone: 'stop' } }),
  answered(entry, answer) {
    const screen = screens[entry.screen];
    screen.after?.(entry, answer);
    const history = (app.histories[entry.screen] ??= []);
    history.unshift({ entry, answer });
    history.length = Math.min(history.length, HISTORY_MAX);
    const look = shown(screen, entry, answer);
    sound(look.tone);
    if (screen === app.screen && screen.quiet) tell(look.tone, entry.text, look.big.map((one) => one.text).join(' '));
    if (screen !== app.screen) return;
    refreshSoon();
    // Another plate in hand is another question.
    if (JSON.stringify(screen.watches(app)) !== JSON.stringify(live.watches)) app.follow();
  },
  changed: () => drawWork(),
  failed: (error) => ({ tone: 'stop', head: t('answer.stop'), big: [{ text: String(error), small: true }], lines: [] }),
});

const live = new Live({
  heard(number, told) {
    app.answers[number] = told;
    if (app.connected) app.view?.update?.(app.answers.map((one) => one?.value));
  },
  connected(yes) {
    if (app.connected === yes) return;
    app.connected = yes;
    drawLine();
    // What waits need not wait for its next try.
    if (yes) queue.send();
  },
});

/** The screen looks again after an answer; once for many answers that come at once. */
let refreshing = false;

async function refreshSoon() {
  if (refreshing || !app.view?.refresh) return;
  refreshing = true;
  const { view } = app;
  await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  refreshing = false;
  try {
    if (view === app.view) await view.refresh();
  } catch (error) {
    // Nobody answers just now: the live answers will tell.
    if (!(error instanceof Silence)) throw error;
  }
}

/** What an answer looks like: `{ tone, head, big, lines }`. */
function shown(screen, entry, answer) {
  if (answer.local) return answer.local;
  if (answer.refusal) {
    const { title, lines } = refused(answer.refusal);
    return { tone: 'stop', head: t('answer.stop'), big: [{ text: title, small: true }], lines };
  }
  return screen.show(entry, answer.reply);
}

function scanned(text) {
  const barcode = clean(text);
  if (!barcode) return;
  const next = SCREENS[barcode.toUpperCase()];
  if (next in screens) {
    location.hash = next;
  } else if (badge(barcode)) {
    move({ who: badge(barcode) });
    sound('good');
    drawTop();
  } else if (app.view?.wants) {
    wanted(barcode);
  } else {
    enqueue(barcode, app.screen.more?.());
  }
}

/** A scan goes to the queue, with the place where it was made. */
function enqueue(text, more, options = {}) {
  const { lab, bench } = here();
  queue.add({ ...options, screen: app.screen.id, text, lab, bench, who: worker(), more });
}

/** The screen takes it itself (answers the tone), or it goes to the queue (answers false). */
async function wanted(barcode) {
  const { view } = app;
  try {
    const tone = await view.wants(barcode);
    if (tone === true) return;
    if (tone) {
      sound(tone);
      tell(tone, barcode);
      return;
    }
  } catch (error) {
    if (!(error instanceof Silence)) throw error;
    sound('stop');
    tell('wait', barcode);
    return;
  }
  enqueue(barcode, app.screen.more?.());
}

/** What a screen without the large answer says about a scan: beside the input, in form, colour and words. */
function tell(tone, barcode, text) {
  parts.waiting.hidden = false;
  parts.waiting.className = `waiting told ${tone}`;
  parts.waiting.dataset.scan = barcode;
  parts.waiting.replaceChildren(shape(tone), `${barcode}: ${text ?? t(tone === 'stop' ? 'answer.notKnown' : `answer.${tone}`)}`);
}

const input = h('input', {
  id: 'scan', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', enterkeyhint: 'go',
});
const parts = {
  top: h('header', { class: 'top' }),
  line: h('div', { class: 'lost', role: 'alert' }),
  label: h('label', { id: 'scan-label', for: 'scan' }),
  commands: h('p', { class: 'commands' }),
  waiting: h('p', { class: 'waiting' }),
  answer: h('section', { class: 'answer', 'aria-live': 'assertive' }),
  history: h('ol', { class: 'history' }),
  main: h('main', {}),
  place: h('div', { class: 'place' }),
};

/** An input method that swallowed the scanner's Enter gives it back when it ends. */
let enteredWhileComposing = false;

function take() {
  const text = input.value;
  input.value = '';
  scanned(text);
}

input.addEventListener('keydown', (event) => {
  if (event.code !== 'Enter' && event.code !== 'NumpadEnter' && event.key !== 'Enter') return;
  if (event.isComposing) {
    enteredWhileComposing = true;
  } else {
    event.preventDefault();
    take();
  }
});
input.addEventListener('compositionend', () => {
  if (enteredWhileComposing) setTimeout(take);
  enteredWhileComposing = false;
});

/** A key that writes goes to the scan input, wherever the focus is, unless something else is written in. */
document.addEventListener('keydown', (event) => {
  const writes = event.key.length === 1 && event.key !== ' ' && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (writes && !event.target.matches('input, textarea, select')) input.focus();
}, true);
document.addEventListener('click', (event) => {
  if (!event.target.closest('input, textarea, select, label, [contenteditable]')) input.focus();
});
window.addEventListener('focus', () => {
  if (document.activeElement === document.body) input.focus();
});

function drawTop() {
  const { lab, bench, who } = here();
  const named = app.setup.labs.find((one) => one.id === lab);
  const dark = document.documentElement.dataset.theme === 'dark';
  const link = ({ id }) => h('a', { href: `#${id}`, 'aria-current': id === app.screen.id ? 'page' : null }, t(`nav.${id}`));
  parts.top.replaceChildren(
    h('a', { class: 'brand', href: '#pool' }, 'Tenfold'),
    h('nav', { 'aria-label': t('nav.label') }, Object.values(screens).map(link)),
    h('button', {
      class: 'where', type: 'button', 'aria-expanded': String(app.placing), title: named?.name, onclick: togglePlace,
    }, `${lab || '?'} · ${bench} · ${who || t('place.noBadge')}`),
    h('button', { type: 'button', lang: current() === 'zh' ? 'en' : 'zh-CN', onclick: otherLanguage }, t('language.other')),
    h('button', { type: 'button', 'aria-pressed': String(dark), onclick: () => theme(dark ? 'light' : 'dark') }, t('theme.dark')),
    h('button', { type: 'button', 'aria-pressed': String(!silent()), onclick: () => { hush(!silent()); drawTop(); } }, t('sound')),
  );
}

function drawLine() {
  const lost = !app.connected || queue.lost;
  document.documentElement.dataset.lost = String(lost);
  parts.line.hidden = !lost;
  parts.line.replaceChildren(...(lost ? [shape('wait'), h('strong', {}, t('lost.title')), ` ${t('lost.kept', { n: queue.entries.length })}`] : []));
}

function drawWork() {
  drawLine();
  const mine = queue.entries.filter((entry) => entry.screen === app.screen.id);
  const history = app.histories[app.screen.id] ?? [];
  if (app.screen.quiet) return;
  parts.waiting.className = 'waiting';
  parts.waiting.textContent = queue.entries.length ? t('queue.waiting', { n: queue.entries.length }) : '';
  parts.waiting.dataset.count = queue.entries.length;
  // Whoever glances must not take the answer to an earlier tube for that to the one in hand.
  const late = mine.length > 0 && (queue.lost || Date.now() - mine[0].at > LATE_MS);
  clearTimeout(app.later);
  if (mine.length && !late) app.later = setTimeout(drawWork, LATE_MS);
  const [last] = late ? [] : history;
  const look = late ? {
    tone: 'wait', head: t('answer.wait'), big: [{ text: mine[0].text, small: true }], lines: [t('answer.waitHelp', { n: mine.length })],
  } : last ? shown(app.screen, last.entry, last.answer) : { tone: 'ready', head: t('answer.ready'), big: [], lines: [t(`${app.screen.id}.hint`)] };
  parts.answer.className = `answer ${look.tone}`;
  parts.answer.dataset.scan = last?.entry.text ?? '';
  parts.answer.replaceChildren(
    h('p', { class: 'head' }, shape(look.tone), h('span', {}, look.head), last ? h('b', { class: 'code' }, last.entry.text) : null),
    h('div', { class: 'big' }, look.big.map(({ label, text, small }) => h('p', { class: small ? 'small' : null }, label ? h('span', {}, label) : null, text))),
    ...look.lines.filter(Boolean).map((line) => h('p', { class: 'line' }, line)),
  );
  const row = (entry, tone, text) => h('li', { class: tone }, shape(tone), h('b', {}, entry.text), h('span', {}, text));
  const done = history.slice(late ? 0 : 1).map(({ entry, answer }) => {
    const past = shown(app.screen, entry, answer);
    return row(entry, past.tone, past.brief ?? past.big.map((one) => one.text).join(' · '));
  });
  parts.history.replaceChildren(...mine.slice(0, WAITING_MAX).reverse().map((entry) => row(entry, 'wait', t('queue.this'))), ...done);
  parts.history.hidden = !parts.history.childElementCount;
}

function drawScreen() {
  const { screen } = app;
  document.title = `${t(`nav.${screen.id}`)} · Tenfold`;
  document.body.className = `screen-${screen.id}`;
  parts.label.textContent = t(`${screen.id}.scan`);
  parts.commands.replaceChildren(...(screen.commands ?? []).map((one) => h('span', {}, h('kbd', {}, one), t(`command.${one}`))));
  app.answers = [];
  app.view = screen.view(app);
  parts.main.replaceChildren(h('h1', { class: 'seen-by-readers' }, t(`nav.${screen.id}`)), ...(screen.quiet ? [] : [parts.answer]), app.view.root, ...(screen.quiet ? [] : [parts.history]));
  parts.waiting.hidden = Boolean(screen.quiet);
  drawTop();
  drawWork();
  app.follow();
  input.focus();
}

/** Asks anew what the screen wants followed: what it shows has changed. */
app.follow = () => live.follow(app.screen.watches(app));
app.draw = () => drawScreen();
app.say = (entry, local) => {
  app.histories[app.screen.id] = [{ entry, answer: { local } }, ...(app.histories[app.screen.id] ?? [])].slice(0, HISTORY_MAX);
  sound(local.tone);
  drawWork();
};
app.enqueue = enqueue;
app.input = input;

function togglePlace() {
  app.placing = !app.placing;
  parts.place.replaceChildren(...(app.placing ? [placePanel(app, (changes) => {
    move(changes);
    zoned();
    app.placing = false;
    parts.place.replaceChildren();
    drawScreen();
  })] : []));
  drawTop();
  if (app.placing) parts.place.querySelector('select, input').focus();
}

function zoned() {
  inZone(app.setup.labs.find((lab) => lab.id === here().lab)?.zone);
}

function otherLanguage() {
  choose(current() === 'zh' ? 'en' : 'zh');
  drawScreen();
}

function theme(name) {
  document.documentElement.dataset.theme = name;
  localStorage.setItem(THEME, name);
  drawTop();
}

function goTo() {
  const wanted = location.hash.slice(1).split('/')[0];
  app.screen = screens[wanted] ?? screens.pool;
  drawScreen();
}

/** `?lab=lab-1&bench=b2`: a bookmark for each bench. Who works there says their badge. */
function placeFromAddress() {
  const asked = new URLSearchParams(location.search);
  const wanted = ['lab', 'bench', 'assay', 'layout'].filter((name) => asked.get(name));
  move(Object.fromEntries(wanted.map((name) => [name, asked.get(name)])));
}

async function begin() {
  placeFromAddress();
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = localStorage.getItem(THEME) ?? (dark ? 'dark' : 'light');
  document.body.append(
    parts.top, parts.place, parts.line,
    h('section', { class: 'scan', 'aria-labelledby': 'scan-label' }, parts.label, input, parts.waiting, parts.commands), parts.main,
  );
  window.addEventListener('hashchange', goTo);
  goTo();
  setInterval(() => app.view?.tick?.(), TICK_MS);
  await learn();
  queue.send();
}

async function learn() {
  try {
    app.setup = await setup();
    const { lab, assay } = here();
    const known = app.setup.labs.some((one) => one.id === lab);
    if (!known && app.setup.labs.length) move({ lab: app.setup.labs[0].id });
    const kits = app.setup.assays.map((one) => one.id);
    if (!kits.includes(assay)) move({ assay: kits.find((kit) => kit.startsWith('default')) ?? kits[0] ?? '' });
    zoned();
    drawScreen();
    if (!known && app.setup.labs.length > 1) togglePlace();
    if (!app.setup.labs.length) setTimeout(learn, 2_000);
  } catch (error) {
    if (!(error instanceof Silence)) throw error;
    live.connected(false);
    setTimeout(learn, 1_000);
  }
}

begin();
