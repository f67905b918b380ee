// Command barcodes: printed on a card, scanned like a tube. They begin with `$`, which no tube's barcode has.

/** What is scanned, and what it does. */
export const COMMANDS = {
  $CLOSE: 'close', $UNDO: 'undo', $DONE: 'done', $FAILED: 'failed',
  $NEXT: 'next', $FILL: 'fill', $SEAL: 'seal', $RACK: 'rack', $END: 'end', $LOT: 'lot',
  $COMBINE: 'combine', $EMPTY: 'empty',
};

/** Scans that change the screen. */
export const SCREENS = {
  $POOL: 'pool', $RECEIVE: 'receive', $PLATE: 'plate', $LOAD: 'run', $RESULTS: 'results', $RETESTS: 'retests',
  $BOARD: 'board', $SAMPLE: 'sample', $PROBLEMS: 'problems', $CARD: 'card',
};

/** The command of a scan; nothing if it is a barcode. */
export const command = (text) => COMMANDS[text.toUpperCase()] ?? null;

/** The badge of a scan such as `$WHO/TECH-7`. */
export const badge = (text) => (/^\$who[/:-]./i.test(text) ? text.slice(5).toLowerCase() : null);

/** A scan as it was meant: what an input method made wide is narrow again. */
export const clean = (text) => text.normalize('NFKC').trim();

/** `P17` of `lab-1/P17`: people know which lab they are in. */
export const short = (id) => (id ?? '').replace(/^.*\//, '');
