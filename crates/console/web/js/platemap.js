// Maps of racks and plates: rows of letters, columns of numbers. What stands in a well is told by form and text, never
// by colour alone.

import { h } from './dom.js';
import { t } from './i18n.js';

export const rowName = (row) => String.fromCharCode(65 + row);

/** Wells column by column, as they are filled: A1, B1, ... */
export function byColumn(rows, columns) {
  return Array.from({ length: rows * columns }, (_, at) => `${rowName(at % rows)}${Math.floor(at / rows) + 1}`);
}

/** Rows and columns of a plate by the size that the service names. */
export const sizeOf = (size) => (size === 'PLATE_SIZE_384' ? [16, 24] : [8, 12]);

/** A control's letters; the first of them where wells are small. No two controls begin alike. */
export const controlName = (control, small) => (small ? t(`control.${control}`).slice(0, 1) : t(`control.${control}`));

/** `A1` of `A01`. */
export const plain = (well) => (well ?? '').replace(/^([A-P])0(\d)$/, '$1$2');

/** A table; `cell(well)` says `{ class, text, mark, title }` for each well. */
export function grid(rows, columns, cell, caption) {
  const numbers = Array.from({ length: columns }, (_, at) => at + 1);
  return h('table', { class: `map c${columns}` },
    h('caption', { class: 'seen-by-readers' }, caption),
    h('thead', {}, h('tr', {}, h('td'), numbers.map((number) => h('th', { scope: 'col' }, number)))),
    h('tbody', {}, Array.from({ length: rows }, (_, row) => h('tr', {},
      h('th', { scope: 'row' }, rowName(row)),
      numbers.map((number) => {
        const well = `${rowName(row)}${number}`;
        const { class: kind, text, mark, title } = cell(well);
        return h('td', { class: kind, title, 'data-well': well }, mark ?? null, text === undefined && mark ? h('span', { class: 'seen-by-readers' }, title) : h('span', {}, text ?? ''));
      })))));
}
