// Hints of contamination in words.

import { t } from './i18n.js';
import { plain } from './platemap.js';

/** What a hint says: a person looks, no call changes. */
export const hintText = ({ kind, wells = [], ct, neighbour, neighbour_ct: strong }) => t(`hint.${kind}`, {
  all: wells.map(plain).join(', '), well: plain(wells[0]), last: plain(wells.at(-1)), n: wells.length, ct: ct?.toFixed(1) ?? '', neighbour: plain(neighbour), strong: strong?.toFixed(1) ?? '',
});
