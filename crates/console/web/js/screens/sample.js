// Sample: one barcode's whole way, one line a step: when, what, who.

import { Refused, call } from '../api.js';
import { short } from '../commands.js';
import { h, shape, table } from '../dom.js';
import { t, word } from '../i18n.js';
import { here } from '../place.js';
import { exact, until, urgency } from '../time.js';
import { hintText } from '../hints.js';

/** An answer, or nothing if this service does not know the barcode. */
const asked = (name, body) => call(name, body).catch((error) => {
  if (error instanceof Refused) return null;
  throw error;
});

/** Steps of all services in the order of time. */
function steps({ intake, tube, times, why }) {
  const sample = intake?.sample ?? tube?.sample ?? {};
  const all = [
    { at: sample.collected_at, kind: 'collected', note: sample.site },
    { at: sample.registered_at, kind: 'registered', by: intake?.source, note: sample.sampling_class },
    ...(tube?.timeline ?? []).map((one) => ({ ...one, note: [short(one.of), one.note].filter(Boolean).join(' ') })),
    ...(times?.stages ?? []).map((one) => ({ at: one.at, kind: one.stage, note: one.detail })),
  ];
  if (!tube && Number(intake?.custody?.received_at ?? 0) > 0) all.push({ at: intake.custody.received_at, kind: 'received', note: intake.custody.lab });
  for (const one of why?.reports ?? []) all.push({ at: one.at, kind: 'issued', note: `${word(one.verdict)} ${t('results.version', { n: one.version })}` });
  return all.filter((one) => one.at).sort((one, other) => one.at - other.at);
}

/** One test: which file read which well, each Ct with its rule, the controls, and the call. */
function round(test, plate) {
  const title = `${t('sample.round', { n: test.round ?? 1 })} · ${test.plate} ${test.well}: ${word(test.call)}${test.pool ? ` (${t('sample.ofPool', { pool: short(test.pool) })})` : ''}`;
  const readings = (test.targets ?? []).map((one) => ({ cells: [one.target, one.reading?.text || t('results.noCt'), one.rule ? `${one.rule} ${t('results.version', { n: one.rule_version ?? 1 })}` : t('results.internal')] }));
  const failed = (test.failures ?? []).map((one) => `${one.well ?? ''} ${one.why}`).join('; ');
  const line = (...words) => h('p', { class: 'soft' }, words.filter(Boolean).join(' · '));
  return h('div', { class: 'card round' },
    table(title, [t('results.target'), 'Ct', t('results.rule')], readings, t('sample.noReadings')),
    test.version ? line(t('sample.controls', { how: word(test.controls) }), failed, t('results.policy', { n: test.policy ?? 0 })) : null,
    ...(test.earlier ?? []).map((one) => line(fileOf(one), word(one.call), one.set_aside)),
    test.version ? line(fileOf(test), test.run, test.instrument) : line(test.instrument),
    plate?.lots?.length ? line(t('sample.madeWith', { lots: plate.lots.map((one) => `${word(one.kind)} ${one.lot}`).join(', ') })) : null,
    test.pool ? line(t('sample.nobodys', { n: test.members ?? 0 })) : null,
    ...(test.hints ?? []).map((one) => h('p', { class: 'hint' }, shape('note'), h('span', {}, hintText(one)))));
}

/** An analysis: its file, by whom and when. */
const fileOf = (one) => [t('sample.analysis', { n: one.version }), one.file_name, (one.file_hash ?? '').slice(0, 12), one.imported_by, exact(one.imported_at)].filter(Boolean).join(' ');

function suspect(pool) {
  if (!pool) return null;
  return h('div', { class: 'card' },
    h('h2', {}, t('sample.suspect', { pool: short(pool.pool), call: word(pool.call) })),
    h('p', {}, `${pool.plate} ${pool.well} · ${exact(pool.since)} · ${t('sample.members', { n: pool.members ?? 0 })}`),
    h('p', { class: pool.alert_late ? 'late' : 'soft' }, t('sample.alert', { at: exact(pool.alert_due) })),
    h('p', {}, t(`poolEnd.${pool.end.replaceAll(' ', '-')}`)));
}

function receivers(all) {
  if (!all.length) return null;
  return table(t('sample.receivers'), [t('sample.receiver'), t('sample.version'), t('sample.state')], all.map((one) => ({ cells: [one.receiver, String(one.version ?? ''), word(one.state)] })), '');
}

function view() {
  const root = h('section', { class: 'whole', 'aria-label': t('nav.sample') });
  const empty = () => root.replaceChildren(h('p', { class: 'empty' }, t('sample.hint')));
  const open = async (barcode) => {
    const { lab } = here();
    const [intake, tube, times, why] = await Promise.all([
      asked('Intake/GetSample', { barcode }), asked('Pooling/GetTube', { lab, tube: barcode }),
      asked('Results/GetResultTimeline', { lab, barcode }), asked('Results/Explain', { lab, barcode }),
    ]);
    if (!intake && !tube && !why) {
      root.replaceChildren(h('p', { class: 'verdict stop' }, shape('stop'), h('strong', {}, t('sample.unknown', { barcode }))));
      return false;
    }
    const names = [...new Set((why?.tests ?? []).map((one) => one.plate))];
    const plates = await Promise.all(names.map((plate) => asked('Pooling/GetPlate', { lab, plate })));
    const due = tube?.due ?? times?.due ?? intake?.due;
    const last = (why?.reports ?? []).at(-1);
    // Of a filed sample its card is kept, whatever became of the journal.
    const outcome = last?.verdict ?? (why?.filed?.report_version ? why.filed.result : null);
    const sample = intake?.sample ?? tube?.sample ?? {};
    root.replaceChildren(
      h('div', { class: 'card sample' },
        h('h2', { class: 'code' }, barcode),
        h('p', { class: 'tags' }, [tube?.tube && short(tube.tube), word(tube?.stage), word(sample.specimen_type), sample.sampling_class, sample.collection_pool ? t('sample.collectionPool') : null, tube?.pool && short(tube.pool), tube?.plate && `${tube.plate} ${tube.well ?? ''}`, tube?.rack && `${tube.rack} ${tube.position ?? ''}`]
          .filter(Boolean).map((text) => h('span', { class: 'tag' }, text)), tube?.stat ? h('span', { class: 'tag stat' }, t('stat')) : null),
        outcome ? h('p', { class: 'outcome' }, t('sample.outcome'), ' ', h('strong', {}, word(outcome))) : null,
        why?.filed?.missing ? h('p', { class: 'late' }, shape('note'), t('sample.missing', { why: why.filed.missing })) : null,
        due && !last && !why?.filed ? h('p', { class: `due ${urgency(due)}` }, t('sample.due', { at: exact(due), time: until(due) })) : null,
        ...(tube?.holds ?? []).map((hold) => h('p', { class: 'late' }, shape('stop'), hold))),
      table(t('sample.way'), [t('sample.when'), t('sample.what'), t('sample.who'), t('sample.note')], steps({ intake, tube, times, why }).map((one) => ({ cells: [exact(one.at), word(one.kind), one.by ?? '', one.note ?? ''] })), t('sample.noSteps')),
      ...(why?.tests ?? []).map((test) => round(test, plates[names.indexOf(test.plate)])), ...[suspect(why?.suspect), receivers(why?.receivers ?? [])].filter(Boolean));
    return true;
  };
  empty();
  return { root, wants: async (text) => ((await open(text)) ? 'good' : 'stop') };
}

export const sample = { id: 'sample', quiet: true, view, watches: () => [] };
