// Pool: a tube is scanned, and the page says into which pool and slot it goes. The next scan records the transfer.

import { call } from '../api.js';
import { command, short } from '../commands.js';
import { h } from '../dom.js';
import { t, word } from '../i18n.js';
import { here, memory } from '../place.js';
import { clock, until, urgency } from '../time.js';

async function resolve(entry) {
  const { lab, bench, who: actor, text } = entry;
  const known = memory('pool', entry);
  switch (command(text)) {
    case 'close': {
      const pool = known.pool ?? (await onlyOpenPool(lab, bench));
      return pool ? { call: 'Pooling/ClosePool', body: { lab, actor, pool } } : { local: which() };
    }
    case 'undo':
      return known.tube
        ? { call: 'Pooling/UndoScan', body: { lab, actor, tube: known.tube, reason: 'undone at the bench' } }
        : { local: { tone: 'stop', head: t('answer.stop'), big: [{ text: t('pool.nothingToUndo'), small: true }], lines: [] } };
    case 'done':
      return { call: 'Pooling/ConfirmTransfer', body: { lab, actor, bench } };
    case 'failed':
      return { call: 'Pooling/ConfirmTransfer', body: { lab, actor, bench, failed: 'failed at the bench' } };
    default:
      return { call: 'Pooling/Scan', body: { lab, actor, bench, barcode: text } };
  }
}

async function onlyOpenPool(lab, bench) {
  const { pools = [] } = await call('Pooling/ListOpenPools', { lab, bench });
  return pools.length === 1 ? pools[0].pool : null;
}

const which = () => ({ tone: 'stop', head: t('answer.stop'), big: [{ text: t('pool.which'), small: true }], lines: [t('pool.whichHelp')] });

function after(entry, { reply }) {
  if (!reply) return;
  const known = memory('pool', entry);
  if (reply.placement?.pool) known.keep({ tube: reply.tube, pool: reply.placement.pool.pool });
  else if (reply.placement) known.keep({ tube: reply.tube });
  else if (reply.sealed?.pool && reply.sealed.pool === known.pool) known.keep({ tube: null, pool: null });
  else known.keep({ tube: null });
}

function show(entry, reply) {
  const sealed = [reply.sealed ?? []].flat().map((one) => t('pool.sealed', { pool: short(one.pool), n: one.members ?? 0, why: word(one.reason) }));
  const seat = reply.placement?.pool;
  if (seat) {
    return {
      tone: 'good',
      head: t(seat.opened ? 'pool.newTube' : 'answer.good'),
      big: [
        { label: t('pool.pool'), text: short(seat.pool) },
        { label: t('pool.slot', { limit: seat.limit }), text: String(seat.slot) },
      ],
      lines: sealed,
    };
  }
  if (reply.placement?.alone) {
    return { tone: 'note', head: t('answer.note'), big: [{ text: t('pool.alone'), small: true }], lines: [reply.placement.alone.why, ...sealed] };
  }
  if (reply.transfer) {
    const tone = reply.failed ? 'note' : 'good';
    return { tone, head: t(`answer.${tone}`), big: [{ text: t(reply.failed ? 'pool.transferFailed' : 'pool.transferred', { pool: short(reply.transfer.pool) }), small: true }], lines: sealed };
  }
  if (reply.tube) {
    return { tone: 'note', head: t('answer.note'), big: [{ text: t('pool.undone'), small: true }], lines: [t('pool.undoneHelp'), ...sealed] };
  }
  const closed = reply.sealed ?? {};
  return {
    tone: 'good', head: t('pool.closed'),
    big: [{ label: t('pool.pool'), text: short(closed.pool) }, { label: t('pool.members'), text: String(closed.members ?? 0) }],
    lines: [word(closed.reason)],
  };
}

/** The slots of a pool: full, under way, free. Told by form and number, not by colour alone. */
function slots(pool) {
  const seats = Array.from({ length: pool.limit ?? 0 }, (_, at) => (pool.members ?? []).find((one) => one.slot === at + 1));
  return h('ol', { class: 'slots' }, seats.map((member, at) => {
    const state = !member ? 'free' : member.transferred_at ? 'full' : 'under-way';
    return h('li', { class: state, title: member?.barcode ?? null }, h('span', { class: 'seen-by-readers' }, `${at + 1} ${t(`slot.${state}`)}`), h('span', { 'aria-hidden': 'true' }, state === 'under-way' ? '…' : at + 1));
  }));
}

function card(pool, current) {
  const members = [...(pool.members ?? [])].sort((one, other) => one.slot - other.slot);
  const hurry = urgency(pool.due);
  return h('article', { class: `pool ${pool.pool === current ? 'current' : ''} ${hurry}`, 'data-pool': pool.pool, 'data-members': members.length },
    h('header', {},
      h('h2', {}, short(pool.pool)),
      h('span', { class: 'fill' }, `${members.length} / ${pool.limit}`),
      pool.stat ? h('span', { class: 'tag stat' }, t('stat')) : null,
      h('span', { class: 'tag' }, word(pool.specimen_type))),
    slots(pool),
    h('p', { class: `due ${hurry}` }, hurry ? h('strong', {}, t('pool.closeNow')) : null,
      pool.due ? ` ${t('pool.oldest', { time: until(pool.due), at: clock(pool.due) })}` : ''),
    pool.seal_at ? h('p', { class: 'soft' }, t('pool.sealsAt', { at: clock(pool.seal_at) })) : null,
    h('ol', { class: 'members' }, members.map((one) => h('li', { value: one.slot, class: [one.transferred_at ? '' : 'under-way', urgency(one.due)].join(' ') }, one.barcode || short(one.tube), one.due ? h('span', { class: 'at' }, clock(one.due)) : null))));
}

function view() {
  const root = h('section', { class: 'side', 'aria-label': t('pool.open') });
  let pools = null;
  const draw = () => {
    if (!pools) return;
    const { pool: current } = memory('pool', here());
    const ordered = [...pools].sort((one, other) => (other.pool === current) - (one.pool === current));
    root.replaceChildren(h('h2', { class: 'title' }, t('pool.open'), h('button', { type: 'button', class: 'print', onclick: () => window.print() }, t('print'))),
      ...(ordered.length ? ordered.map((pool) => card(pool, current)) : [h('p', { class: 'empty' }, t('pool.none'))]));
  };
  return {
    root,
    update([answer]) {
      if (answer) pools = answer.pools ?? [];
      draw();
    },
    async refresh() {
      const { lab, bench } = here();
      pools = (await call('Pooling/ListOpenPools', { lab, bench })).pools ?? [];
      draw();
    },
    tick: draw,
  };
}

export const pool = {
  id: 'pool',
  commands: ['$CLOSE', '$UNDO', '$DONE', '$FAILED'],
  watches: () => [{ call: 'Pooling/ListOpenPools', body: { lab: here().lab, bench: here().bench } }],
  resolve, after, show, view,
};
