// Receive: tubes one by one, or a whole rack as its reader says it: lines of position and barcode, pasted, read from a
// file, or typed by the reader itself.

import { COMMANDS, command } from '../commands.js';
import { h, shape } from '../dom.js';
import { t, word } from '../i18n.js';
import { grid } from '../platemap.js';

/** What a verdict asks of the person: nothing, a look, or to stop. */
const TONES = {
  RECEIVE_VERDICT_KNOWN: 'good', RECEIVE_VERDICT_ALREADY_RECEIVED: 'good', RECEIVE_VERDICT_DETAILS_PENDING: 'note',
  RECEIVE_VERDICT_BELONGS_ELSEWHERE: 'stop', RECEIVE_VERDICT_CONFLICT: 'stop', RECEIVE_VERDICT_HELD: 'stop',
  RECEIVE_VERDICT_UNREADABLE: 'stop',
};

/** What rack readers write for a tube without a label they can read, and for no tube. */
const UNREADABLE = /^(\?|no[ _-]?read|err(or)?|unreadable)$/i;
const NOTHING = /^(|-|no[ _-]?tube|empty|null)$/i;


function resolve(entry) {
  const { lab, who: actor, text } = entry;
  if (entry.more?.rack) {
    const { positions, wrong } = read(entry.more.lines);
    if (wrong || !positions.length) {
      return { local: { tone: 'stop', head: t('answer.stop'), big: [{ text: t('receive.badLine'), small: true }], lines: [wrong ?? ''] } };
    }
    return { call: 'Pooling/Receive', body: { lab, actor, rack: { rack: entry.more.rack, positions } } };
  }
  if (command(text)) return { local: { tone: 'note', head: t('answer.note'), big: [{ text: t('answer.notHere'), small: true }], lines: [] } };
  return { call: 'Pooling/Receive', body: { lab, actor, tubes: { barcodes: [text] } } };
}

/** Positions of lines such as `A01,AB12345678`; a heading is passed over. */
export function read(lines) {
  const positions = [];
  for (const [number, line] of lines.entries()) {
    const [place, barcode = ''] = line.split(/[,;\t]/).map((part) => part.trim().replace(/^"|"$/g, ''));
    if (!place) continue;
    const at = /^([A-H])0?([1-9]|1[0-2])$/i.exec(place);
    if (!at && number === 0) continue;
    if (!at) return { wrong: line };
    const position = `${at[1].toUpperCase()}${at[2]}`;
    if (UNREADABLE.test(barcode)) positions.push({ position, unreadable: true });
    else if (NOTHING.test(barcode)) positions.push({ position, nothing: true });
    else positions.push({ position, barcode: barcode.normalize('NFKC') });
  }
  return { positions };
}

function show(entry, reply) {
  const tubes = reply.tubes ?? [];
  if (!entry.more?.rack) {
    const [tube = {}] = tubes;
    const tone = TONES[tube.verdict] ?? 'note';
    return { tone, head: t(`answer.${tone}`), big: [{ text: word(tube.verdict), small: true }], lines: [tube.why], brief: word(tube.verdict) };
  }
  const count = (tone) => tubes.filter((tube) => TONES[tube.verdict] === tone).length;
  const tone = ['stop', 'note'].find(count) ?? 'good';
  return {
    tone, head: t('receive.rackDone', { rack: entry.more.rack }),
    big: [
      { label: t('receive.good'), text: String(count('good')) },
      { label: t('receive.look'), text: String(count('note')) },
      { label: t('receive.stop'), text: String(count('stop')) },
    ],
    lines: [], brief: t('receive.brief', { good: count('good'), note: count('note'), stop: count('stop') }),
  };
}

/** The rack as it stands, with a verdict at each position. */
function racked(tubes) {
  const at = new Map(tubes.map((tube) => [tube.position, tube]));
  return grid(8, 12, (well) => {
    const tube = at.get(well);
    if (!tube) return { class: 'free', text: '' };
    const tone = TONES[tube.verdict] ?? 'note';
    return { class: tone, mark: shape(tone), title: `${well} ${tube.barcode ?? ''} ${word(tube.verdict)} ${tube.why ?? ''}` };
  }, t('receive.map'));
}

function view(app) {
  const root = h('section', { class: 'side', 'aria-label': t('receive.rack') });
  const lines = h('textarea', { id: 'lines', rows: '4', spellcheck: 'false', 'aria-label': t('receive.lines') });
  const name = h('input', { id: 'rack', autocomplete: 'off', maxlength: '60' });
  const file = h('input', { type: 'file', id: 'rack-file', accept: '.csv,.txt', onchange: async () => { lines.value = await file.files[0].text(); lines.focus(); } });
  const take = () => {
    const all = lines.value.split(/\r?\n/).filter((line) => !COMMANDS[line.trim().toUpperCase()]);
    app.enqueue(name.value.trim(), { rack: name.value.trim(), lines: all });
    Object.assign(lines, { value: '' });
    name.value = '';
    app.input.focus();
  };
  // A reader types its lines and ends with the command: no hand leaves the rack.
  lines.addEventListener('input', () => {
    const last = lines.value.trimEnd().split('\n').pop().trim();
    if (lines.value.endsWith('\n') && command(last) === 'end' && name.value.trim()) take();
  });
  name.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    lines.focus();
  });
  const form = h('form', { class: 'card rack', onsubmit: (event) => { event.preventDefault(); take(); } },
    h('h2', {}, t('receive.rack')),
    h('label', { for: 'rack' }, t('receive.rackName'), name),
    h('p', { class: 'soft' }, t('receive.linesHelp')), lines,
    h('label', { for: 'rack-file' }, t('receive.file'), file),
    h('button', { type: 'submit', class: 'button' }, t('receive.take')));
  name.required = true;
  const shown = h('div', { class: 'card verdicts' });
  const draw = () => {
    const last = (app.histories.receive ?? []).find(({ entry, answer }) => entry.more?.rack && answer.reply);
    shown.hidden = !last;
    if (!last) return;
    const tubes = last.answer.reply.tubes ?? [];
    const bad = tubes.filter((tube) => TONES[tube.verdict] !== 'good');
    shown.replaceChildren(h('h2', {}, t('receive.rackDone', { rack: last.entry.more.rack })), racked(tubes),
      h('ul', { class: 'wrong' }, bad.map((tube) => h('li', {}, shape(TONES[tube.verdict] ?? 'note'), h('b', {}, tube.position), ` ${tube.barcode ?? ''} ${word(tube.verdict)} `, h('span', { class: 'soft' }, tube.why ?? '')))));
  };
  draw();
  root.append(shown, form);
  return { root, refresh: draw, wants: (text) => { if (command(text) !== 'rack') return false; name.focus(); return true; } };
}

export const receive = { id: 'receive', commands: ['$RACK', '$END'], watches: () => [], resolve, show, view };
