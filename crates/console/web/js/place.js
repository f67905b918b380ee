// Where this screen stands and who scans: lab, bench, badge, kit, instrument. Kept by the browser; never a name.

const KEPT = 'tenfold/place';

const place = { lab: '', bench: 'b1', who: '', assay: '', layout: '', ...JSON.parse(localStorage.getItem(KEPT) ?? '{}') };

/** The place. */
export const here = () => place;

/** Who scans: the badge, or the bench until somebody shows one. */
export const worker = () => place.who || `bench-${place.bench}`;

/** Changes some of it, and keeps that. */
export function move(changes) {
  Object.assign(place, changes);
  localStorage.setItem(KEPT, JSON.stringify(place));
}

/** What a screen remembers at a lab's bench: the plate in hand, the tube scanned last. */
export function memory(screen, { lab, bench } = place) {
  const key = `tenfold/memory/${lab}/${bench}/${screen}`;
  const kept = JSON.parse(localStorage.getItem(key) ?? '{}');
  return {
    ...kept,
    keep(changes) {
      localStorage.setItem(key, JSON.stringify({ ...JSON.parse(localStorage.getItem(key) ?? '{}'), ...changes }));
    },
  };
}
