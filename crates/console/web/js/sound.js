// A short tone for good, a rising pair for "look", a double low tone for stop. Browsers let a page sound only after
// the first key: a scan is one.

const KEPT = 'tenfold/silent';

const TONES = {
  good: [[880, 0, 0.09]],
  note: [[660, 0, 0.09], [990, 0.11, 0.12]],
  stop: [[196, 0, 0.22], [196, 0.3, 0.32]],
};

let context = null;

/** Whether tones are off. */
export const silent = () => localStorage.getItem(KEPT) === 'yes';

/** Turns tones on or off. */
export const hush = (yes) => localStorage.setItem(KEPT, yes ? 'yes' : 'no');

/** Sounds a tone. */
export function sound(tone) {
  const notes = TONES[tone];
  if (!notes || silent()) return;
  context ??= new AudioContext();
  if (context.state === 'suspended') context.resume();
  for (const [pitch, after, long] of notes) {
    const start = context.currentTime + after;
    const voice = new OscillatorNode(context, { type: tone === 'stop' ? 'square' : 'sine', frequency: pitch });
    const loud = new GainNode(context, { gain: 0 });
    loud.gain.setValueAtTime(0, start);
    loud.gain.linearRampToValueAtTime(0.25, start + 0.01);
    loud.gain.setValueAtTime(0.25, start + long - 0.02);
    loud.gain.linearRampToValueAtTime(0, start + long);
    voice.connect(loud).connect(context.destination);
    voice.start(start);
    voice.stop(start + long);
  }
  document.documentElement.dataset.sounded = tone;
}
