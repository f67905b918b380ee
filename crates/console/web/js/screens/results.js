// Results: the control verdict first, then the plate by its calls, then why each well was called so.

import { Refused, call } from '../api.js';
import { clean } from '../commands.js';
import { curvesOf } from '../curves.js';
import { h, shape, table } from '../dom.js';
import { hintText } from '../hints.js';
import { t, word } from '../i18n.js';
import { here } from '../place.js';
import { controlName, grid, plain } from '../platemap.js';
import { clock, exact } from '../time.js';

/** Each call has a letter and a form besides its colour. */
const CALLS = {
  WELL_CALL_NEGATIVE: 'negative', WELL_CALL_POSITIVE: 'positive', WELL_CALL_SINGLE_TARGET: 'single',
  WELL_CALL_GREY: 'grey', WELL_CALL_INVALID: 'invalid',
};

function view() {
  const root = h('section', { class: 'whole results', 'aria-label': t('nav.results') });
  const list = h('div', { class: 'card runs' });
  const map = h('div', { class: 'card' });
  const why = h('div', { class: 'card why', 'aria-live': 'polite' });
  root.append(list, map, why);
  let runs = [];
  let chosen = null;
  let plate = null;
  let well = null;
  // Of the run that is shown, by well; its file is read again for them, once.
  let curves = { file: '', of: new Map(), told: '' };

  const readCurves = async (file) => {
    if (!file || curves.file === file) return;
    curves = { file, of: new Map(), told: 'curves.reading' };
    const of = new Map();
    let told = 'curves.none';
    try {
      const reply = await call('Results/GetCurves', { file_hash: file });
      for (const one of reply.curves ?? []) of.set(plain(one.well), [...(of.get(plain(one.well)) ?? []), one]);
    } catch (error) {
      told = 'curves.gone';
    }
    if (curves.file !== file) return;
    // One that could not be had is asked for again when the run is opened again.
    curves = { file: told === 'curves.gone' ? '' : file, of, told };
    draw();
  };

  const open = async (number) => {
    const { lab } = here();
    chosen = await call('Results/GetRun', { lab, run: number });
    plate = await call('Pooling/GetPlate', { lab, plate: chosen.plate }).catch((error) => {
      if (error instanceof Refused) return null;
      throw error;
    });
    well = null;
    draw();
    readCurves(chosen.analysis?.file_hash);
  };

  const drawMap = () => {
    const { analysis = {} } = chosen;
    const calls = new Map((analysis.wells ?? []).map((one) => [plain(one.well), one]));
    const contents = new Map((plate?.wells ?? []).map((one) => [plain(one.well), one]));
    const large = plate?.size === 'PLATE_SIZE_384';
    const failed = new Set((analysis.failures ?? []).map((one) => plain(one.well)));
    const out = analysis.quadrants_out ?? [];
    const good = !analysis.failures?.length;
    const verdict = good ? t('results.inControl') : out.length ? t('results.quadrantsOut', { quadrants: out.map((one) => one + 1).join(', ') }) : t('results.outOfControl');
    const hints = chosen.hints ?? [];
    const doubted = new Set(hints.flatMap((one) => one.wells ?? []).map(plain));
    map.replaceChildren(
      h('p', { class: `verdict ${good ? 'good' : 'stop'}` }, shape(good ? 'good' : 'stop'), h('strong', {}, verdict),
        analysis.set_aside ? ` ${analysis.set_aside}` : ''),
      ...(analysis.failures ?? []).map((one) => h('p', { class: 'late' }, `${plain(one.well)} ${one.why}`)),
      ...hints.map((one) => h('p', { class: 'hint' }, shape('note'), h('span', {}, hintText(one)))),
      grid(large ? 16 : 8, large ? 24 : 12, (name) => {
        const one = calls.get(name);
        const control = contents.get(name)?.control;
        const picked = name === well ? ' now' : '';
        const kind = control ? (failed.has(name) ? 'control failed' : 'control') : one ? CALLS[one.call] ?? 'free' : 'free';
        const text = control ? controlName(control, large) : one ? t(`call.${one.call}`) : '';
        const look = doubted.has(name) ? ' doubted' : '';
        const title = `${name} ${word(control ?? one?.call ?? '')}${look ? ` ${t('results.look')}` : ''}`;
        return { class: `${kind}${look}${picked}`, text: look ? `${text}!` : text, title };
      }, t('plate.map', { plate: chosen.plate })),
      h('p', { class: 'legend' }, doubted.size ? h('span', {}, h('b', { class: 'chip' }, '!'), ` ${t('results.look')} ${doubted.size}`) : null, Object.entries(CALLS).map(([name, kind]) => h('span', {}, h('b', { class: `chip ${kind}` }, t(`call.${name}`)), ` ${word(name)} ${(analysis.wells ?? []).filter((one) => one.call === name && !contents.get(plain(one.well))?.control).length}`))));
  };

  const drawWhy = () => {
    const { analysis = {} } = chosen;
    const one = (analysis.wells ?? []).find((each) => plain(each.well) === well);
    const targets = analysis.targets ?? [];
    const content = (plate?.wells ?? []).find((each) => plain(each.well) === well)?.content;
    const reading = (each, at) => ({ cells: [targets[at], each.text || t('results.noCt'), ruleOf(analysis, targets[at])] });
    const run = [
      h('h2', {}, `${chosen.plate} · ${t('results.run', { run: chosen.run, version: chosen.version ?? 1 })}`),
      h('p', { class: 'soft' }, `${analysis.instrument_serial ?? ''} ${analysis.run_id ?? ''} · ${analysis.file_name ?? ''}`),
      h('p', { class: 'soft' }, `${exact(analysis.imported_at)} · ${analysis.actor ?? ''} · ${t('results.policy', { n: analysis.policy ?? 0 })}`),
    ];
    // What was asked for stands on top: on a small screen the run is below the fold, and the curve is not.
    why.replaceChildren(...[
      one ? h('h2', {}, `${well}: ${word(one.call)}`) : h('p', { class: 'empty' }, t('results.pick')),
      content ? h('p', {}, content) : null,
      ...(chosen.hints ?? []).filter((hint) => (hint.wells ?? []).map(plain).includes(well)).map((hint) => h('p', { class: 'hint' }, shape('note'), h('span', {}, hintText(hint)))),
      one ? table(t('results.readings'), [t('results.target'), 'Ct', t('results.rule')], (one.readings ?? []).map(reading), '') : null,
      well && curves.of.has(well) ? curvesOf(well, curves.of.get(well), cts(one, targets)) : null,
      well && !curves.of.has(well) && curves.told ? h('p', { class: 'soft' }, t(curves.told)) : null,
      ...run].filter(Boolean));
  };

  /** Cts as numbers, by the names of their targets. */
  const cts = (one, targets) => new Map((one?.readings ?? []).flatMap((each, at) => (each.ct === undefined ? [] : [[String(targets[at]).toLowerCase(), each.ct]])));


  const ruleOf = (analysis, target) => {
    const rule = (analysis.rules ?? []).find((one) => one.target === target);
    return rule ? `${rule.name} ${t('results.version', { n: rule.version })}` : t('results.internal');
  };

  const draw = () => {
    const rows = runs.map((one) => ({
      tone: one.run === chosen?.run ? 'now' : '',
      cells: [h('button', { type: 'button', class: 'link', onclick: () => open(one.run) }, one.plate), [shape(one.failures ? 'stop' : 'good'), h('span', { class: 'seen-by-readers' }, word(one.failures ? 'out-of-control' : 'in-control'))], clock(one.imported_at)],
    }));
    list.replaceChildren(table(t('results.runs'), [t('plate.plate'), h('span', { class: 'seen-by-readers' }, t('results.controls')), t('results.when')], rows, t('results.none')));
    map.hidden = why.hidden = !chosen;
    if (chosen) {
      drawMap();
      drawWhy();
    }
  };

  map.addEventListener('click', (event) => {
    const cell = event.target.closest('td[data-well]');
    if (!cell) return;
    well = cell.dataset.well;
    draw();
  });
  draw();
  return {
    root,
    update([answer]) {
      if (answer) runs = answer.runs ?? [];
      if (!chosen && runs.length) open(runs[0].run);
      else draw();
    },
    wants(text) {
      const name = clean(text).toUpperCase();
      const found = runs.find((one) => one.plate === text);
      if (found) open(found.run);
      else if (chosen && /^[A-P]\d{1,2}$/.test(name)) well = plain(name);
      else return 'stop';
      draw();
      return 'good';
    },
  };
}

export const results = {
  id: 'results', quiet: true, view,
  watches: () => [{ call: 'Results/ListRuns', body: { lab: here().lab, limit: 14 } }],
};
