// Where this screen stands: chosen once, kept by the browser.

import { h } from './dom.js';
import { t } from './i18n.js';
import { here } from './place.js';

/** A form; `done` gets what was chosen. */
export function placePanel(app, done) {
  const place = here();
  const pick = (name, options) => h('label', {}, t(`place.${name}`), h('select', { name },
    options.map(({ id, label }) => h('option', { value: id, selected: id === place[name] }, label))));
  const write = (name, hint, required = true) => h('label', {}, t(`place.${name}`),
    h('input', { name, value: place[name], required, maxlength: '40', autocomplete: 'off', placeholder: hint }));
  return h('form', {
    onsubmit(event) {
      event.preventDefault();
      done(Object.fromEntries(new FormData(event.target)));
    },
  },
  pick('lab', app.setup.labs.map((lab) => ({ id: lab.id, label: `${lab.id} ${lab.name}` }))),
  write('bench', 'b1'),
  write('who', 'tech-7', false),
  pick('assay', app.setup.assays.map((assay) => ({ id: assay.id, label: assay.kit }))),
  pick('layout', [{ id: '', label: t('place.standard') }, ...(app.setup.layouts ?? []).filter((id) => id !== 'standard').map((id) => ({ id, label: id }))]),
  h('button', { type: 'submit' }, t('place.done')));
}
