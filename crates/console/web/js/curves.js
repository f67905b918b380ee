// Amplification curves of one well: a line a target, told apart by colour and dash, each with its name at its end; a mark
// where its Ct is. What the file has is drawn, and nothing else.

import { svg } from './dom.js';
import { t } from './i18n.js';

/** The drawing, in its own units, and the room around the curves. */
const WIDE = 360;
const HIGH = 240;
const ROOM = { left: 46, right: 78, top: 10, bottom: 30 };

/** Lines that are told apart; a kit has fewer targets. */
const LINES = 6;

/** Names at the ends of lines stand at least so far apart. */
const NAMES_APART = 15;

/** Steps of a scale between two numbers: 1, 2 or 5 times a power of ten, about so many. */
function steps(low, high, about) {
  const raw = (high - low || 1) / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= raw);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, at) => (first + at) * step);
}

const short = (value) => (Math.abs(value) >= 10_000 ? `${+(value / 1000).toPrecision(3)}k` : String(+value.toPrecision(3)));

/** Where a curve is at a Ct, between two cycles. */
function at(points, ct) {
  const next = points.findIndex(([cycle]) => cycle >= ct);
  if (next < 0) return null;
  const [cycle, value] = points[next];
  const [before, low] = points[Math.max(0, next - 1)];
  return cycle === before ? value : low + (value - low) * ((ct - before) / (cycle - before));
}

/** The well's curves as one picture; `cts` are numbers by the names of targets. */
export function curvesOf(well, curves, cts) {
  const drawn = curves.slice(0, LINES).map(({ target, cycles = [], values = [] }) => ({ target, points: cycles.map((cycle, n) => [cycle, values[n] ?? 0]) }));
  const all = drawn.flatMap((one) => one.points);
  const [first, last] = [Math.min(...all.map(([cycle]) => cycle)), Math.max(...all.map(([cycle]) => cycle))];
  const [low, high] = [Math.min(0, ...all.map(([, value]) => value)), Math.max(...all.map(([, value]) => value))];
  const x = (cycle) => ROOM.left + ((cycle - first) / (last - first || 1)) * (WIDE - ROOM.left - ROOM.right);
  const y = (value) => HIGH - ROOM.bottom - ((value - low) / (high - low || 1)) * (HIGH - ROOM.top - ROOM.bottom);
  const scale = [
    ...steps(low, high, 4).flatMap((value) => [
      svg('path', { class: 'rule', d: `M${ROOM.left} ${y(value)}H${WIDE - ROOM.right}` }),
      svg('text', { x: ROOM.left - 6, y: y(value) + 4, 'text-anchor': 'end' }, short(value)),
    ]),
    ...steps(first, last, 5).flatMap((cycle) => [
      svg('path', { class: 'rule', d: `M${x(cycle)} ${HIGH - ROOM.bottom}v4` }),
      svg('text', { x: x(cycle), y: HIGH - ROOM.bottom + 17, 'text-anchor': 'middle' }, String(cycle)),
    ]),
    svg('text', { x: WIDE - ROOM.right + 18, y: HIGH - ROOM.bottom + 17 }, t('curves.cycle')),
  ];
  // From the top: a name that would stand on another one moves below it.
  const ends = drawn.map(({ target, points }, line) => ({ target, line, y: y(points.at(-1)[1]) + 4 })).sort((one, other) => one.y - other.y);
  ends.forEach((end, n) => { if (n) end.y = Math.max(end.y, ends[n - 1].y + NAMES_APART); });
  // And from the bottom: what would stand on the scale moves up again.
  ends.reduceRight((lowest, end) => { end.y = Math.min(end.y, lowest); return end.y - NAMES_APART; }, HIGH - ROOM.bottom + 4);
  const lines = drawn.flatMap(({ target, points }, line) => {
    const ct = cts.get(target.toLowerCase());
    const value = ct === undefined ? null : at(points, ct);
    return [
      svg('path', { class: `curve l${line}`, d: points.map(([cycle, level], n) => `${n ? 'L' : 'M'}${x(cycle).toFixed(1)} ${y(level).toFixed(1)}`).join('') }),
      value === null ? null : svg('circle', { class: `ct l${line}`, cx: x(ct), cy: y(value), r: 5 }),
    ];
  });
  const names = ends.map(({ target, line, y: down }) => svg('text', { class: `name l${line}`, x: WIDE - ROOM.right + 8, y: down }, target.length > 9 ? `${target.slice(0, 8)}…` : target));
  const said = drawn.map(({ target }) => (cts.has(target.toLowerCase()) ? `${target} Ct ${cts.get(target.toLowerCase())}` : target)).join(', ');
  return svg('svg', { class: 'curves', viewBox: `0 0 ${WIDE} ${HIGH}`, role: 'img', 'aria-label': t('curves.label', { well, targets: said }) }, ...scale, ...lines.filter(Boolean), ...names);
}
