// The queue of scans: in the order they were made, kept by the browser until answered, sent one after another. Each
// has its request id from the moment it is scanned, so sending it again after a lost answer does nothing twice.

import { Refused, Silence, call, newId } from './api.js';

const PREFIX = 'tenfold/scan/';
const ALIVE = 'tenfold/alive/';
const TAB = 'tenfold/tab';

/** Pauses between tries while nobody answers. */
const PAUSES_MS = [200, 400, 800, 1500];

/** A tab that gave no sign for so long is gone: its scans are taken over. */
const GONE_MS = 15_000;
const SIGN_MS = 4_000;

export class Queue {
  /**
   * `resolve(entry)` answers what is to be called: `{ call, body }`, or `{ local }` for what needs no service.
   * `answered(entry, answer)` gets each answer, in order; `changed()` hears of every change; `failed(error)` makes an
   * answer of a mistake of the page's own, so that it stops nothing behind it.
   */
  constructor({ resolve, answered, changed, failed }) {
    Object.assign(this, { resolve, answered, changed, failed });
    this.lost = false;
    this.sending = false;
    this.tab = sessionStorage.getItem(TAB) ?? newId();
    sessionStorage.setItem(TAB, this.tab);
    this.last = 0;
    this.entries = this.kept();
    this.sign();
    setInterval(() => this.sign(), SIGN_MS);
  }

  /** Takes a scan; it is kept before this returns. */
  add(scan) {
    this.last = Math.max(this.last + 1, Date.now() * 1000);
    const entry = { ...scan, id: newId(), at: Date.now(), order: this.last };
    this.entries.push(entry);
    this.keep(entry);
    this.changed();
    this.send();
  }

  /** Sends what waits, until nothing does. */
  async send() {
    if (this.sending) return;
    this.sending = true;
    let tries = 0;
    while (this.entries.length) {
      const [entry] = this.entries;
      const answer = await this.once(entry);
      if (answer) {
        tries = 0;
        this.say(false);
        this.entries.shift();
        try {
          this.answered(entry, answer);
        } catch (error) {
          console.error(error);
        }
        // Only now: whoever reloads between sees the answer again, and nothing is done twice.
        localStorage.removeItem(this.key(entry));
        this.changed();
      } else {
        this.say(true);
        await new Promise((resolve) => setTimeout(resolve, PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]));
        tries += 1;
      }
    }
    this.sending = false;
  }

  async once(entry) {
    try {
      if (!entry.call) {
        const what = await this.resolve(entry);
        if (what.local) return { local: what.local };
        // Kept before it is sent: another try must say the same.
        Object.assign(entry, what);
        this.keep(entry);
      }
      return { reply: await call(entry.call, { ...entry.body, request_id: entry.id }) };
    } catch (error) {
      if (error instanceof Silence) return null;
      if (error instanceof Refused) return { refusal: error.refusal };
      return { local: this.failed(error) };
    }
  }

  say(lost) {
    if (this.lost === lost) return;
    this.lost = lost;
    this.changed();
  }

  key(entry) {
    return `${PREFIX}${entry.tab ?? this.tab}/${entry.order}`;
  }

  keep(entry) {
    if (entry.volatile) return;
    entry.tab = this.tab;
    localStorage.setItem(this.key(entry), JSON.stringify(entry));
  }

  sign() {
    localStorage.setItem(ALIVE + this.tab, String(Date.now()));
  }

  /** This tab's scans from before a reload, and those of tabs that are gone. */
  kept() {
    const found = [];
    for (const key of Object.keys(localStorage)) {
      const tab = key.startsWith(ALIVE) ? key.slice(ALIVE.length) : null;
      if (tab && tab !== this.tab && !alive(tab)) localStorage.removeItem(key);
    }
    for (const key of Object.keys(localStorage).filter((one) => one.startsWith(PREFIX))) {
      const entry = JSON.parse(localStorage.getItem(key));
      if (entry.tab !== this.tab && alive(entry.tab)) continue;
      localStorage.removeItem(key);
      this.keep(entry);
      found.push(entry);
    }
    return found.sort((one, other) => one.order - other.order);
  }
}

function alive(tab) {
  return Date.now() - Number(localStorage.getItem(ALIVE + tab) ?? 0) < GONE_MS;
}
