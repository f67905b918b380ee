// The SLA board: how many tubes stand in each stage, how long they stay, what is at risk or late, where it is stuck.
// For a wall: read from five metres.

import { h, shape } from '../dom.js';
import { t, word } from '../i18n.js';
import { here } from '../place.js';
import { clock, length, until, urgency } from '../time.js';
import { short } from '../commands.js';

/** Stages of the day, in their order: name, and where its numbers stand. */
function stages(intake, pooling, results) {
  const [site = {}] = intake?.labs ?? [];
  const bench = (name) => (pooling?.stages ?? []).find((one) => one.stage === `POOLING_STAGE_${name}`) ?? {};
  const run = (name) => (results?.stages ?? []).find((one) => one.stage === name) ?? {};
  return [
    { id: 'expected', count: (site.expected ?? 0) + (site.at_risk ?? 0) + (site.late ?? 0), at_risk: site.at_risk, late: site.late, p50_ms: site.transport?.p50_ms, p95_ms: site.transport?.p95_ms },
    { id: 'waiting', stuck: 'POOLING_STAGE_WAITING', ...bench('WAITING') },
    { id: 'pooled', stuck: 'POOLING_STAGE_POOLED', ...bench('POOLED') },
    { id: 'plated', stuck: 'POOLING_STAGE_PLATED', ...bench('PLATED') },
    { id: 'loaded', stuck: 'loaded', ...run('loaded') },
    { id: 'retest', stuck: 'pending-confirmation', ...run('pending-confirmation') },
    { id: 'reported', stuck: 'reported', ...run('reported') },
  ];
}

function tile(one, stuck) {
  const bad = one.late ? 'late' : one.at_risk ? 'soon' : '';
  return h('article', { class: `stage ${bad} ${stuck ? 'stuck' : ''}` },
    h('h2', {}, t(`stage.${one.id}`), stuck ? h('span', { class: 'tag stat' }, t('board.bottleneck')) : null),
    h('p', { class: `count digits-${Math.min(7, String(one.count ?? 0).length)}` }, String(one.count ?? 0)),
    h('p', { class: one.at_risk ? 'soon' : 'soft' }, t('board.atRisk', { n: one.at_risk ?? 0 })),
    h('p', { class: one.late ? 'late' : 'soft' }, one.late ? shape('stop') : null, t('board.late', { n: one.late ?? 0 })),
    ...(one.p50_ms ? [h('p', { class: 'soft' }, `p50 ${length(one.p50_ms)}`), h('p', { class: 'soft' }, `p95 ${length(one.p95_ms ?? 0)}`)] : [h('p', { class: 'soft' }, t('board.noTimes'))]));
}

function view() {
  const root = h('section', { class: 'whole board', 'aria-label': t('nav.board') });
  let answers = [];
  const draw = () => {
    const [intake, pooling, results, work] = answers;
    if (!pooling) return;
    const late = stages(intake, pooling, results).reduce((sum, one) => sum + (one.late ?? 0), 0);
    const next = [...(work?.items ?? [])].sort((one, other) => one.due - other.due).slice(0, 10);
    root.replaceChildren(
      h('p', { class: `verdict ${late ? 'stop' : 'good'}` }, shape(late ? 'stop' : 'good'), h('strong', {}, late ? t('board.lateAll', { n: late }) : t('board.onTime'))),
      h('div', { class: 'stages' }, stages(intake, pooling, results).map((one) => tile(one, one.stuck && (one.stuck === pooling.bottleneck || one.stuck === results?.bottleneck)))),
      h('h2', { class: 'title' }, t('board.next')),
      next.length ? h('ol', { class: 'countdowns' }, next.map((one) => h('li', { class: urgency(one.due) },
        h('b', {}, one.barcode ?? short(one.what)), one.tubes > 1 ? h('span', { class: 'tag' }, t('board.tubes', { n: one.tubes })) : null, one.stat ? h('span', { class: 'tag stat' }, t('stat')) : null,
        h('strong', {}, until(one.due)), h('span', { class: 'soft' }, clock(one.due))))) : h('p', { class: 'empty' }, t('board.nothing')),
      h('p', { class: 'soft sums' }, (results?.verdicts ?? []).map((one) => h('span', {}, `${word(one.verdict)} ${one.count ?? 0}`)), h('span', {}, t('board.orders', { n: results?.open_orders ?? 0 })), h('span', {}, t('board.deliveries', { n: results?.waiting_deliveries ?? 0 }))));
  };
  return { root, update: (all) => { answers = all; draw(); }, tick: draw };
}

export const board = {
  id: 'board', quiet: true, view,
  watches: () => {
    const { lab } = here();
    return [
      { call: 'Intake/GetBoard', body: { lab } }, { call: 'Pooling/GetBoard', body: { lab } },
      { call: 'Results/GetResultsBoard', body: { lab } }, { call: 'Pooling/ListWork', body: { lab, most: 60 } },
    ];
  },
};
