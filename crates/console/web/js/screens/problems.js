// Holds and problems: each with the one action that solves it. A scan picks a tube's line, `$DONE` does its action.

import { command, short } from '../commands.js';
import { h, shape } from '../dom.js';
import { t, word } from '../i18n.js';
import { here } from '../place.js';
import { clock, until, urgency } from '../time.js';

function problems([held, pending, results]) {
  const { lab } = here();
  const deliver = (kind) => ['RESULTS_WORK_KIND_DELIVERY_REJECTED', 'RESULTS_WORK_KIND_DELIVERY_GIVEN_UP'].includes(kind);
  return [
    ...(held?.items ?? []).map((one) => ({
      id: one.what, what: one.barcode || short(one.what), kind: 'held', why: one.why, due: one.due,
      // Without a label nothing is found out by scanning it: it gets a new one, and that is the next scan.
      relabel: one.barcode ? null : one.what, advice: one.barcode ? null : t('problems.newLabel'),
      action: one.barcode && { text: t('problems.release'), call: 'Pooling/ReleaseHold', body: { lab, what: one.what, reason: 'released at the bench' } },
    })),
    ...(pending?.items ?? []).map((one) => ({ id: one.what, what: one.barcode || short(one.what), kind: 'pending', why: one.why, due: one.due, advice: t('problems.askSite') })),
    ...(results?.items ?? []).map((one) => ({
      id: `work-${one.work?.number}`, what: one.about, kind: one.kind, why: one.detail, at: one.at,
      action: deliver(one.kind)
        ? { text: t('problems.redeliver'), call: 'Results/ResolveWork', body: { lab, number: one.work?.number, how: 'WORK_RESOLUTION_REDELIVER', note: 'sent again at the bench' } }
        : { text: t('problems.seen'), call: 'Results/ResolveWork', body: { lab, number: one.work?.number, how: 'WORK_RESOLUTION_DONE', note: 'looked at, at the bench' } },
    })),
    ...(results?.parked ?? []).map((one) => ({ id: `parked-${one.run}`, what: one.plate, kind: 'parked', why: one.file_name, advice: t('problems.loadPlate') })),
  ];
}

function resolve(entry) {
  const { who: actor, more } = entry;
  if (!more?.call) return { local: { tone: 'stop', head: t('answer.stop'), big: [{ text: t('problems.none'), small: true }], lines: [] } };
  return { call: more.call, body: { actor, ...more.body } };
}

const show = (entry) => ({ tone: 'good', head: t('answer.good'), big: [{ text: t('problems.solved'), small: true }], lines: [entry.more?.what] });

function view(app) {
  const root = h('section', { class: 'whole', 'aria-label': t('nav.problems') });
  let all = [];
  let picked = null;
  const act = (one) => {
    app.enqueue(one.what, { what: one.what, call: one.action.call, body: one.action.body });
  };
  const draw = () => {
    root.replaceChildren(
      h('h2', { class: 'title' }, t('problems.count', { n: all.length })),
      all.length ? h('ul', { class: 'problems' }, all.map((one) => h('li', { class: `card ${one.id === picked ? 'current' : ''} ${urgency(one.due)}` },
        shape(one.kind === 'pending' || one.kind === 'parked' ? 'note' : 'stop'),
        h('div', {}, h('p', {}, h('b', { class: 'code' }, one.what), ` ${word(`problem.${one.kind}`)}`), h('p', { class: 'soft' }, one.why ?? ''),
          one.due ? h('p', { class: `due ${urgency(one.due)}` }, `${clock(one.due)} (${until(one.due)})`) : null),
        one.relabel ? h('button', { type: 'button', class: 'button', 'aria-pressed': String(one.id === picked), onclick: () => { picked = one.id; draw(); } }, one.advice)
          : one.action ? h('button', { type: 'button', class: 'button', onclick: () => act(one) }, one.action.text) : h('p', { class: 'advice' }, one.advice))))
        : h('p', { class: 'verdict good' }, shape('good'), h('strong', {}, t('problems.nothing'))));
  };
  return {
    root, tick: draw,
    update(answers) {
      all = problems(answers);
      draw();
    },
    wants(text) {
      if (command(text) === 'done') {
        const one = all.find((each) => each.id === picked);
        if (!one?.action) return 'stop';
        act(one);
        return 'good';
      }
      const unlabelled = all.find((one) => one.id === picked)?.relabel;
      if (unlabelled && !all.some((one) => one.what === text || one.id === text)) {
        app.enqueue(text, { what: text, call: 'Pooling/Relabel', body: { lab: here().lab, tube: unlabelled, new_barcode: text, reason: 'its label could not be read' } });
        picked = null;
        return 'good';
      }
      picked = all.find((one) => one.what === text || one.id === text)?.id ?? null;
      draw();
      return picked ? 'good' : 'stop';
    },
  };
}

export const problemsScreen = {
  id: 'problems', quiet: true, commands: ['$DONE'], resolve, show, view,
  watches: () => [
    { call: 'Pooling/ListWork', body: { lab: here().lab, queue: 'held', most: 200 } },
    { call: 'Pooling/ListWork', body: { lab: here().lab, queue: 'pending', most: 200 } },
    { call: 'Results/ListWork', body: { lab: here().lab, limit: 200 } },
  ],
};
