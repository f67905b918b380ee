// Load and run: a sealed plate is scanned, then the instrument it is put into; afterwards the run's file is handed in.

import { Refused, call } from '../api.js';
import { command } from '../commands.js';
import { h, table } from '../dom.js';
import { t, word } from '../i18n.js';
import { here, memory } from '../place.js';

/** What an import came to. */
const TONES = {
  IMPORT_STATE_RELEASED: 'good', IMPORT_STATE_OUT_OF_CONTROL: 'stop', IMPORT_STATE_QUARANTINED: 'stop',
  IMPORT_STATE_PARKED: 'note', IMPORT_STATE_SET_ASIDE: 'note',
};

/** Largest file that is taken. */
const FILE_MAX = 4 * 1024 * 1024;

const said = (tone, text, ...lines) => ({ local: { tone, head: t(`answer.${tone}`), big: [{ text, small: true }], lines } });

async function resolve(entry) {
  const { lab, who: actor, text, more } = entry;
  const hand = memory('run', entry);
  if (more?.file) {
    const { plate, serial, run, read, name, file, reason } = more;
    return { call: 'Results/ImportRun', body: { lab, actor, plate, instrument_serial: serial, run_id: run, read_at: read, file_name: name, file, reason } };
  }
  if (command(text) === 'next') {
    hand.keep({ plate: null });
    return said('good', t('run.plateFirst'));
  }
  if (command(text)) return said('stop', t('answer.notHere'));
  if (hand.plate) return { call: 'Pooling/LoadPlate', body: { lab, actor, plate: hand.plate, instrument: text } };
  try {
    const plate = await call('Pooling/GetPlate', { lab, plate: text });
    if (plate.state !== 'sealed') return said('stop', t('run.notSealed', { state: word(`plateState.${plate.state}`) }), plate.instrument ?? '');
    hand.keep({ plate: text });
    return said('good', t('run.nowInstrument'), text);
  } catch (error) {
    if (error instanceof Refused) return said('stop', t('run.noPlate'), error.refusal.message);
    throw error;
  }
}

function after(entry, { reply }) {
  if (reply && entry.call === 'Pooling/LoadPlate') memory('run', entry).keep({ plate: null });
}

function show(entry, reply) {
  if (entry.call === 'Pooling/LoadPlate') {
    return {
      tone: reply.warnings?.length ? 'note' : 'good', head: t('run.loaded'), big: [{ text: `${entry.body.plate} → ${entry.body.instrument}`, small: true }],
      lines: [t('run.loadedHelp', { wells: reply.wells ?? 0, tubes: reply.tubes ?? 0 }), ...(reply.warnings ?? [])],
    };
  }
  const tone = TONES[reply.state] ?? 'note';
  const counts = tone === 'good' ? [
    { label: t('WELL_CALL_NEGATIVE'), text: String(reply.negative ?? 0) },
    { label: t('WELL_CALL_POSITIVE'), text: String(reply.positive ?? 0) },
    { label: t('run.repeat'), text: String((reply.single_target ?? 0) + (reply.grey ?? 0) + (reply.invalid ?? 0)) },
  ] : [{ text: word(reply.state), small: true }];
  return { tone, head: reply.same_file ? t('run.sameFile') : word(reply.state), big: counts, lines: (reply.notes ?? []).slice(0, 4), brief: word(reply.state) };
}

function base64(bytes) {
  const parts = [];
  for (let at = 0; at < bytes.length; at += 8192) parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  return btoa(parts.join(''));
}

function view(app) {
  const root = h('section', { class: 'side', 'aria-label': t('nav.run') });
  const field = (name, options = {}) => h('label', {}, t(`run.${name}`), h('input', { name, autocomplete: 'off', ...options }));
  const file = h('input', { type: 'file', id: 'run-file', required: true, onchange: () => guess() });
  const form = h('form', { class: 'card import' },
    h('h2', {}, t('run.import')), h('label', { for: 'run-file' }, t('run.file'), file),
    field('plate'), field('serial', { required: true }), field('run', { required: true }), field('reason'),
    h('button', { type: 'submit', class: 'button' }, t('run.take')));
  let plates = [];
  const guess = () => {
    const [one] = file.files;
    if (!one) return;
    const named = plates.find((plate) => one.name.includes(plate.plate));
    if (named) form.elements.plate.value = named.plate;
    form.elements.run.value ||= one.name.replace(/\.\w+$/, '');
    form.elements.serial.focus();
  };
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const [one] = file.files;
    const { plate, serial, run, reason } = Object.fromEntries(new FormData(form));
    if (one.size > FILE_MAX) {
      app.say({ text: one.name }, said('stop', t('run.tooLarge')).local);
      return;
    }
    const content = base64(new Uint8Array(await one.arrayBuffer()));
    // A file is too large for the browser's store: it lives as long as the page.
    app.enqueue(one.name, { file: content, name: one.name, read: one.lastModified, plate, serial, run, reason }, { volatile: true });
    form.reset();
    app.input.focus();
  });
  const list = h('div', { class: 'card' });
  const inHand = h('p', { class: 'in-hand' });
  const draw = () => {
    const { plate } = memory('run', here());
    inHand.hidden = !plate;
    inHand.textContent = plate ? t('run.inHand', { plate }) : '';
    const rows = plates.filter((one) => !['void', 'combined'].includes(one.state)).map((one) => ({ tone: one.state, cells: [h('b', {}, one.plate), word(`plateState.${one.state}`), one.assay, String(one.wells ?? 0)] }));
    list.replaceChildren(table(t('run.plates'), [t('plate.plate'), t('run.state'), t('place.assay'), t('plate.wells')], rows, t('run.none')));
  };
  root.append(inHand, list, form);
  draw();
  return { root, update: ([answer]) => { if (answer) plates = answer.plates ?? []; draw(); }, refresh: draw };
}

export const run = {
  id: 'run', commands: ['$NEXT'], resolve, after, show, view,
  watches: () => [{ call: 'Pooling/ListPlates', body: { lab: here().lab, page_size: 12 } }],
};
