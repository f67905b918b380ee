// Retests: what to fetch, from which rack and position, by deadline. A scan ticks a tube off.

import { h, shape, table } from '../dom.js';
import { t, word } from '../i18n.js';
import { here } from '../place.js';
import { clock, until, urgency } from '../time.js';

const key = () => `tenfold/fetched/${here().lab}`;
const fetched = () => new Set(JSON.parse(localStorage.getItem(key()) ?? '[]'));

function view() {
  const root = h('section', { class: 'whole', 'aria-label': t('nav.retests') });
  let work = [];
  let orders = [];
  const draw = () => {
    const done = fetched();
    const byDue = [...work].sort((one, other) => one.due - other.due);
    const rows = byDue.map((one) => {
      const order = orders.find((each) => each.order === one.order);
      const ticked = done.has(one.order);
      return {
        tone: ticked ? 'ticked' : urgency(one.due),
        cells: [ticked ? h('span', {}, shape('good'), h('span', { class: 'seen-by-readers' }, t('retests.fetched'))) : '☐', h('b', { class: 'code' }, one.barcode), one.rack ?? t('retests.noRack'), h('b', {}, one.position ?? ''), `${clock(one.due)} (${until(one.due)})`, word(order?.reason), String(one.round ?? 0)],
      };
    });
    const again = orders.filter((one) => one.kind === 'RESULTS_ORDER_KIND_RECOLLECTION');
    root.replaceChildren(
      h('h2', { class: 'title' }, t('retests.count', { n: work.filter((one) => !done.has(one.order)).length }), h('button', { type: 'button', class: 'print', onclick: () => window.print() }, t('print'))),
      table(t('retests.fetch'), ['✓', t('retests.tube'), t('retests.rack'), t('retests.position'), t('retests.due'), t('retests.why'), t('retests.round')], rows, t('retests.none')),
      again.length ? table(t('retests.recollections'), [t('retests.tube'), t('retests.due'), t('retests.why')], again.map((one) => ({ tone: one.late ? 'late' : '', cells: [one.barcode, `${clock(one.due)} (${until(one.due)})`, word(one.reason)] })), '') : '');
  };
  return {
    root,
    update([waiting, ordered]) {
      if (waiting) work = waiting.items ?? [];
      if (ordered) orders = ordered.orders ?? [];
      draw();
    },
    tick: draw,
    wants(text) {
      const found = work.find((one) => one.barcode === text || one.what === text);
      if (!found) return 'stop';
      // Orders that are gone need no tick any more.
      const open = new Set(work.map((one) => one.order));
      localStorage.setItem(key(), JSON.stringify([...fetched(), found.order].filter((order) => open.has(order))));
      draw();
      return 'good';
    },
  };
}

export const retests = {
  id: 'retests', quiet: true, view,
  watches: () => [
    { call: 'Pooling/ListWork', body: { lab: here().lab, queue: 'retest', most: 300 } },
    { call: 'Results/ListOrders', body: { lab: here().lab, limit: 300 } },
  ],
};
