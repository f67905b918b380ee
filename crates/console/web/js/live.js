// Live answers: one stream of events for what the screen shows. It is closed while nobody sees the page, so that many
// tabs do not use up the browser's connections.

/** The server says something every two seconds: this long without a word is a lost connection. */
const SILENT_MS = 7_000;

/** Pause before the stream is opened again. */
const AGAIN_MS = 700;

export class Live {
  /** `heard(number, answer)` gets each new answer, `connected(yes)` each change of the connection. */
  constructor({ heard, connected }) {
    Object.assign(this, { heard, connected });
    this.watches = [];
    setInterval(() => {
      if (this.stream && Date.now() - this.last > SILENT_MS) this.broke();
    }, 1_000);
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.close();
      else this.open();
    });
  }

  /** Follows these questions from now on. */
  follow(watches) {
    this.watches = watches;
    this.close();
    this.open();
  }

  open() {
    if (this.stream || document.hidden) return;
    this.last = Date.now();
    const stream = new EventSource(`api/live?watch=${encodeURIComponent(JSON.stringify(this.watches))}`);
    this.stream = stream;
    const heard = () => {
      if (stream !== this.stream) return false;
      this.last = Date.now();
      this.connected(true);
      return true;
    };
    stream.onopen = heard;
    stream.addEventListener('beat', heard);
    stream.onmessage = (event) => {
      if (!heard()) return;
      const told = JSON.parse(event.data);
      this.heard(told.watch, told);
    };
    stream.onerror = () => {
      if (stream === this.stream) this.broke();
    };
  }

  broke() {
    this.close();
    this.connected(false);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), AGAIN_MS);
  }

  close() {
    this.stream?.close();
    this.stream = null;
  }
}
