// Code 39 as a picture: nine bars and spaces a letter, three of them wide (ISO/IEC 16388). Scanners read it with no
// setting, and it has the `$` that commands begin with.

const SVG = 'http://www.w3.org/2000/svg';
const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. *$/+%';

/** Bars and spaces of each letter, wide = 1, the first bar in the highest bit. */
const PATTERNS = [
  0x034, 0x121, 0x061, 0x160, 0x031, 0x130, 0x070, 0x025, 0x124, 0x064, 0x109, 0x049, 0x148, 0x019, 0x118, 0x058,
  0x00d, 0x10c, 0x04c, 0x01c, 0x103, 0x043, 0x142, 0x013, 0x112, 0x052, 0x007, 0x106, 0x046, 0x016, 0x181, 0x0c1,
  0x1c0, 0x091, 0x190, 0x0d0, 0x085, 0x184, 0x0c4, 0x094, 0x0a8, 0x0a2, 0x08a, 0x02a,
];

/** How much wider a wide bar is. */
const WIDE = 3;

/** Widths of bars and spaces by turns, in units. */
export function widths(text) {
  const found = [];
  for (const letter of `*${text.toUpperCase()}*`) {
    const pattern = PATTERNS[LETTERS.indexOf(letter)];
    for (let bit = 8; bit >= 0; bit -= 1) found.push((pattern >> bit) & 1 ? WIDE : 1);
    found.push(1);
  }
  return found;
}

/** The picture. */
export function code39(text) {
  const bars = widths(text);
  const svg = document.createElementNS(SVG, 'svg');
  let x = 10;
  const parts = [];
  bars.forEach((width, at) => {
    if (at % 2 === 0) parts.push(`M${x} 0h${width}v40h-${width}z`);
    x += width;
  });
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', parts.join(''));
  svg.setAttribute('viewBox', `0 0 ${x + 10} 40`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('class', 'barcode');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', text);
  svg.append(path);
  return svg;
}
