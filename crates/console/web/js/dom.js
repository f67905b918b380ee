// Elements in one call, and the shapes that stand beside every colour.

const SVG = 'http://www.w3.org/2000/svg';

/** An element with properties (`class`, `on…` listeners, attributes) and children; `null` children are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value') element.value = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The same of a drawing. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const SHAPES = {
  good: [['circle', { cx: 32, cy: 32, r: 29 }], ['path', { d: 'M17 33l10 11 20-24', class: 'mark' }]],
  note: [['rect', { x: 5, y: 5, width: 54, height: 54, rx: 6 }], ['path', { d: 'M32 15v22M32 46v3', class: 'mark' }]],
  stop: [['path', { d: 'M21 3h22l18 18v22L43 61H21L3 43V21z' }], ['path', { d: 'M21 21l22 22M43 21L21 43', class: 'mark' }]],
  wait: [['path', { d: 'M12 4h40v12L40 32l12 16v12H12V48l12-16-12-16z' }]],
  ready: [['path', { d: 'M4 12v40M13 12v40M20 12v40M32 12v40M39 12v40M51 12v40M60 12v40', class: 'bars' }]],
};

/** The shape of a tone: a tick in a circle, a mark in a square, a cross in an octagon, an hourglass, a barcode. */
export function shape(tone) {
  const parts = (SHAPES[tone] ?? []).map(([tag, attributes]) => svg(tag, attributes));
  return svg('svg', { viewBox: '0 0 64 64', 'aria-hidden': 'true', class: `shape ${tone}` }, ...parts);
}

/** A table with a caption for readers that do not see; cells are text or elements. */
export function table(caption, heads, rows, empty) {
  if (!rows.length) return h('p', { class: 'empty' }, empty);
  return h('table', {},
    h('caption', {}, caption),
    h('thead', {}, h('tr', {}, heads.map((head) => h('th', { scope: 'col' }, head)))),
    h('tbody', {}, rows.map(({ cells, tone }) => h('tr', { class: tone }, cells.map((cell) => h('td', {}, cell ?? ''))))));
}
