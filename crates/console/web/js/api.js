// Calls of the services. A call that nobody answers throws `Silence`; one that is refused throws `Refused`.

/** No answer: the same again, with the same request id, does no harm. */
export class Silence extends Error {}

/** The service says no, and why. */
export class Refused extends Error {
  constructor(refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** Longest wait for an answer; the server's own limit is shorter. */
const ANSWER_MS_MAX = 20_000;

async function fetched(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    const body = await response.json();
    if (response.ok) return body;
    if (body.again) throw new Silence(body.message);
    throw new Refused(body);
  } catch (error) {
    if (error instanceof Refused || error instanceof Silence) throw error;
    // The connection, or an answer that broke off.
    throw new Silence(String(error));
  }
}

/** Makes a call such as `Pooling/Scan`. */
export const call = (name, body) => fetched(`api/call/${name}`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** How far this machine's clock is behind the server's, as last heard. */
const AHEAD = 'tenfold/clock';

/** Labs, kits and layouts; the server's clock is heard by the way. */
export async function setup() {
  const heard = await fetched('api/setup', {});
  localStorage.setItem(AHEAD, String(heard.now - Date.now()));
  return heard;
}

/** An id that no other request has: a UUID of version 7, by the server's clock. Answers are kept for its 72 hours. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let ms = Date.now() + Number(localStorage.getItem(AHEAD) ?? 0);
  for (let at = 5; at >= 0; at -= 1) {
    bytes[at] = ms % 256;
    ms = Math.floor(ms / 256);
  }
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]].map(([from, to]) => hex.slice(from, to)).join('-');
}
