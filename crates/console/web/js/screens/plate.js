// Plate: a plate is scanned, then pool after pool or tube after tube; the page says the well.

import { Refused, call } from '../api.js';
import { command, short } from '../commands.js';
import { h } from '../dom.js';
import { t, title, word } from '../i18n.js';
import { here, memory } from '../place.js';
import { byColumn, controlName, grid, plain, sizeOf } from '../platemap.js';

/** A plate of 384 wells is stamped by this layout of the policy, from so many plates. */
const STAMPED = 'quadrants';
const QUADRANTS = 4;

const asks = (text, lines = []) => ({ local: { tone: 'good', head: t('answer.good'), big: [{ text, small: true }], lines } });

const stop = (text, help) => ({ local: { tone: 'stop', head: t('answer.stop'), big: [{ text, small: true }], lines: [help] } });

/** A plate, or nothing if its barcode is new. */
async function known(lab, plate) {
  try {
    return await call('Pooling/GetPlate', { lab, plate });
  } catch (error) {
    if (error instanceof Refused && error.refusal.reason === 'PLATE_UNKNOWN') return null;
    throw error;
  }
}

/** The first free well, column by column. */
function nextWell(plate) {
  const taken = new Set((plate.wells ?? []).filter((well) => well.control || well.content || well.lost).map((well) => plain(well.well)));
  return byColumn(...sizeOf(plate.size)).find((well) => !taken.has(well));
}

/** A scan while a plate is stamped from others: first itself, then the plate of each quadrant. */
function stamp(entry, { plate, sources }) {
  const { lab, who: actor, text } = entry;
  const { keep } = memory('plate', entry);
  const what = command(text);
  if (!plate && what) return stop(t('combine.first'));
  const all = !plate || what === 'done' ? sources : [...sources, what === 'empty' ? '' : text];
  if (what === 'done' || all.length === QUADRANTS) {
    keep({ combine: null });
    return { call: 'Pooling/CombinePlates', body: { lab, actor, plate, layout: STAMPED, sources: all } };
  }
  keep({ combine: { plate: plate || text, sources: all } });
  return asks(t('combine.quadrant', { n: all.length + 1 }), [t('combine.help')]);
}

/** What was placed by the scan before comes off the plate. Its well stays unused: who knows what is in it. */
function undo({ lab, who: actor }, plate, placed) {
  if (placed?.plate !== plate) return stop(t('plate.nothingToUndo'), t('plate.undoHelp'));
  return { call: 'Pooling/ConfirmPlate', body: { lab, actor, plate, failed: [{ well: placed.well, reason: 'undone at the bench' }] }, undoes: placed };
}

async function resolve(entry) {
  const { lab, who: actor, text, more } = entry;
  const { plate, lot, combine, placed, keep } = memory('plate', entry);
  const what = command(text);
  if (combine && [null, 'done', 'empty'].includes(what)) return stamp(entry, combine);
  // A command ends what another had begun.
  // After `$LOT` the next barcode is a lot that comes on the plate, after `$LOT` and `$UNDO` one that comes off.
  if (what) keep({ lot: plate && (what === 'lot' ? 'on' : what === 'undo' && lot ? 'off' : null), combine: null });
  if (what === 'combine') {
    keep({ plate: null, combine: { plate: '', sources: [] } });
    return asks(t('combine.first'));
  }
  if (what === 'next') {
    keep({ plate: null });
    return asks(t('plate.next'));
  }
  if (what && !plate) return stop(t('plate.first'), t('plate.hint'));
  switch (what) {
    case 'seal': return { call: 'Pooling/SealPlate', body: { lab, actor, plate } };
    case 'fill': return { call: 'Pooling/FillPlate', body: { lab, actor, plate } };
    case 'done': return { call: 'Pooling/ConfirmPlate', body: { lab, actor, plate, rest_done: true } };
    case 'lot': return asks(t('plate.scanLot'), [t('plate.lotHelp')]);
    case 'undo': return lot ? asks(t('plate.scanLotOff')) : undo(entry, plate, placed);
    case null: break;
    default: return stop(t('answer.notHere'));
  }
  if (!plate) {
    const there = await known(lab, text);
    if (there) {
      keep({ plate: text });
      return { local: { tone: 'good', head: t('plate.goesOn'), big: [{ text, small: true }], lines: [t('plate.free', { n: there.free ?? 0 })] } };
    }
    return { call: 'Pooling/StartPlate', body: { lab, actor, plate: text, assay: more?.assay, layout: more?.layout ?? '' } };
  }
  if (lot) {
    keep({ lot: null });
    return { call: lot === 'off' ? 'Pooling/UnbindLot' : 'Pooling/BindLot', body: { lab, actor, plate, lot: text } };
  }
  const there = await known(lab, plate);
  if (!there) return stop(title('PLATE_UNKNOWN'));
  // Scanned twice: it has its well already, and the service says the same again.
  const content = /^p\d+$/i.test(text) ? `${lab}/${text.toUpperCase()}` : text;
  const again = (there.wells ?? []).find((well) => well.content === content && !well.lost);
  const well = again ? plain(again.well) : nextWell(there);
  return well ? { call: 'Pooling/Place', body: { lab, actor, plate, well, content } } : stop(t('plate.full'), t('plate.fullHelp'));
}

function after(entry, { reply }) {
  if (!reply) return;
  if (['Pooling/StartPlate', 'Pooling/CombinePlates'].includes(entry.call)) memory('plate', entry).keep({ plate: reply.plate, well: null });
  const { plate } = entry.body;
  const placed = entry.call === 'Pooling/Place' ? { plate, well: plain(reply.well?.well), content: reply.well?.content } : null;
  // Only what was scanned last can be undone: whoever undoes looks at that.
  memory('plate', entry).keep(placed ? { placed, well: placed.well } : { placed });
  if (entry.call === 'Pooling/SealPlate') memory('plate', entry).keep({ plate: null, well: null });
}

function show(entry, reply) {
  const good = (big, lines = [], head = t('answer.good')) => ({ tone: 'good', head, big, lines });
  switch (entry.call) {
    case 'Pooling/StartPlate':
      return good([{ text: reply.plate, small: true }], [t('plate.free', { n: reply.free ?? 0 }), t('plate.controlsAt', { wells: (reply.wells ?? []).filter((one) => one.control).map((one) => `${t(`control.${one.control}`)} ${plain(one.well)}`).join(', ') })], t('plate.started'));
    case 'Pooling/CombinePlates':
      return good([{ text: reply.plate, small: true }], [quadrantsOf(reply).join(', '), t('plate.sealedHelp')], t('combine.done'));
    case 'Pooling/BindLot':
      return { ...good([{ label: t('plate.lot'), text: entry.body.lot, small: true }], [lotsOf(reply)]), brief: lotsOf(reply) };
    case 'Pooling/UnbindLot':
      return { ...good([{ label: t('plate.lot'), text: entry.body.lot, small: true }], [lotsOf(reply) || t('plate.noLots')], t('plate.lotOff')), brief: t('plate.lotOff') };
    case 'Pooling/Place':
      return good([{ label: t('plate.well'), text: plain(reply.well?.well) }, { label: t('plate.content'), text: short(reply.well?.content) }]);
    case 'Pooling/FillPlate':
      return good([{ label: t('plate.planned'), text: String((reply.wells ?? []).length) }], [t('plate.fillHelp'), ...(reply.passed_over ?? []).slice(0, 3).map((one) => `${short(one.content)}: ${one.why}`)]);
    case 'Pooling/ConfirmPlate':
      if (entry.undoes) {
        const { well, content } = entry.undoes;
        return { tone: 'note', head: t('answer.note'), big: [{ text: t('plate.undone', { content: short(content) }), small: true }], lines: [t('plate.undoneHelp', { well, content: short(content) })] };
      }
      return good([{ label: t('plate.confirmed'), text: String((reply.transferred ?? []).length) }], (reply.dropped ?? []).map((one) => `${one.well}: ${one.reason}`));
    default:
      return good([{ label: t('plate.wells'), text: String(reply.wells ?? 0) }], [t('plate.sealedHelp')], t('plate.sealed', { plate: entry.body.plate }));
  }
}

/** What a plate was made with, in words. */
const lotsOf = (plate) => (plate.lots ?? []).map((one) => `${word(one.kind)} ${one.lot}`).join(', ');

/** What a plate was stamped from, and what it is a quadrant of. */
const quadrantsOf = (plate) => [
  ...(plate.sources ?? []).map((one) => t('combine.source', { n: (one.quadrant ?? 0) + 1, plate: one.plate })),
  ...(plate.combined_into ? [t('combine.into', { plate: plate.combined_into })] : []),
];

/** A plate's map: controls by their letters, contents by their number, what is only planned with a dashed edge. */
export function plateMap(plate, last) {
  const at = new Map((plate.wells ?? []).map((well) => [plain(well.well), well]));
  const [rows, columns] = sizeOf(plate.size);
  const small = columns === 24;
  return grid(rows, columns, (well) => {
    const one = at.get(well);
    const now = well === last ? ' now' : '';
    if (one?.lost) return { class: `lost-well${now}`, text: '×', title: `${well}: ${one.lost}` };
    if (one?.control) return { class: `control${now}`, text: controlName(one.control, small), title: `${well}: ${word(one.control)}` };
    if (one?.content) return { class: `${one.transferred_at ? 'full' : 'planned'}${now}`, text: small ? '●' : short(one.content), title: `${well}: ${one.content}` };
    return { class: `free${now}`, text: '', title: well };
  }, t('plate.map', { plate: plate.plate }));
}

function view() {
  const root = h('section', { class: 'side', 'aria-label': t('plate.plate') });
  let plate = null;
  const draw = () => {
    const { plate: name, well } = memory('plate', here());
    if (!name || plate?.plate !== name) {
      root.replaceChildren(h('p', { class: 'empty' }, t('plate.none')));
      return;
    }
    const wells = (plate.wells ?? []).filter((one) => one.content && !one.lost);
    root.replaceChildren(
      h('h2', { class: 'title' }, plate.plate, h('button', { type: 'button', class: 'print', onclick: () => window.print() }, t('print'))),
      h('p', { class: 'tags' }, h('span', { class: 'tag' }, plate.assay), h('span', { class: 'tag' }, `${word(plate.layout)} · ${sizeOf(plate.size)[0] * sizeOf(plate.size)[1]}`), h('span', { class: 'tag' }, word(`plateState.${plate.state}`)), h('span', { class: 'tag' }, t('plate.free', { n: plate.free ?? 0 })), [...(plate.lots ?? []).map((one) => `${word(one.kind)} ${one.lot}`), ...quadrantsOf(plate)].map((text) => h('span', { class: 'tag' }, text))),
      plateMap(plate, well),
      h('p', { class: 'legend' }, ['POSITIVE', 'NEGATIVE', 'WEAK_POSITIVE', 'BATCH_NEGATIVE', 'EXTRACTION'].map((kind) => h('span', {}, h('b', {}, controlName(`CONTROL_${kind}`, sizeOf(plate.size)[1] === 24)), ` ${word(`CONTROL_${kind}`)}`))),
      h('ol', { class: 'contents' }, wells.map((one) => h('li', {}, h('b', {}, plain(one.well)), ` ${short(one.content)}`, one.transferred_at ? '' : ` (${t('plate.plannedOnly')})`))));
  };
  const refresh = async () => {
    const { plate: name } = memory('plate', here());
    plate = name ? await known(here().lab, name) : null;
    draw();
  };
  draw();
  return { root, update: ([answer]) => { if (answer?.plate) plate = answer; draw(); }, refresh };
}

export const plate = {
  id: 'plate',
  commands: ['$NEXT', '$FILL', '$DONE', '$LOT', '$UNDO', '$SEAL', '$COMBINE', '$EMPTY'],
  watches: () => {
    const { plate: name } = memory('plate', here());
    return name ? [{ call: 'Pooling/GetPlate', body: { lab: here().lab, plate: name } }] : [];
  },
  more: () => ({ assay: here().assay, layout: here().layout }),
  follows: true,
  resolve, after, show, view,
};
