// The card of commands, to print and lay beside the scanner: each command as a Code 39 barcode.

import { COMMANDS, SCREENS } from '../commands.js';
import { h } from '../dom.js';
import { t } from '../i18n.js';
import { code39 } from '../code39.js';

function view() {
  const label = (code, text) => h('li', {}, code39(code), h('b', {}, code), h('span', {}, text));
  return {
    root: h('section', { class: 'whole card-of-commands', 'aria-label': t('nav.card') },
      h('h2', { class: 'title' }, t('card.title'), h('button', { type: 'button', class: 'print', onclick: () => window.print() }, t('print'))),
      h('ul', {}, Object.keys(COMMANDS).map((code) => label(code, t(`command.${code}`)))),
      h('h2', { class: 'title' }, t('nav.label')),
      h('ul', {}, Object.entries(SCREENS).map(([code, id]) => label(code, t(`nav.${id}`))))),
    wants: () => 'stop',
  };
}

export const card = { id: 'card', quiet: true, view, watches: () => [] };
