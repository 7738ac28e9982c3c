// Ratings on their way. Each stays in the browser's storage until the server says that it is on disk, so a reload, a
// crash or a server that is away loses none; each has an id, so one that is posted twice counts once.

const FIRST = 1000; // milliseconds before the second try; then twice as long each time
const LONGEST = 30000;
const PATIENCE = 20000; // milliseconds a post may take
const USELESS = [400, 404, 413, 415]; // answers that another try will not change
const ENDED = [401, 403, 409]; // not signed in (as this rater) any more, or the study is closed

export class Queue {
  constructor(prefix, formToken, tell) {
    this.prefix = prefix + "waits:";
    this.formToken = formToken;
    this.tell = tell; // (state, why): saved, saving, waiting, stopped, refused
    this.memory = new Map(); // where the browser grants no storage
    this.delay = FIRST;
    this.sending = this.stopped = false;
    this.last = Math.max(0, ...this.keys().map((key) => Number(key.slice(this.prefix.length))));
    addEventListener("online", () => this.send());
    addEventListener("visibilitychange", () => document.hidden || this.send());
    addEventListener("beforeunload", (leaving) => this.memory.size && leaving.preventDefault());
  }

  put(event) {
    this.last = Math.max(this.last + 1, Date.now()); // keeps the order even if the clock is set back
    const key = this.prefix + String(this.last).padStart(16, "0");
    try {
      localStorage.setItem(key, JSON.stringify(event));
    } catch {
      this.memory.set(key, event);
    }
    this.send();
  }

  keys() {
    let stored = [];
    try {
      stored = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
    } catch {} // storage is switched off
    return [...stored, ...this.memory.keys()].sort();
  }

  read(key) {
    try {
      return this.memory.get(key) ?? JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  }

  waiting() {
    return this.keys().map((key) => this.read(key)).filter(Boolean);
  }

  drop(key) {
    this.memory.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {}
  }

  async send() {
    if (this.sending || this.stopped) return;
    this.sending = true;
    clearTimeout(this.timer);
    let refused = "";
    try {
      for (let key; (key = this.keys()[0]); ) {
        this.tell("saving");
        const event = this.read(key);
        const answer = event === null ? { ok: true } : await this.post(event);
        if (answer.ok || USELESS.includes(answer.status)) {
          this.drop(key);
          this.delay = FIRST;
          refused = answer.ok ? refused : answer.why;
        } else if (ENDED.includes(answer.status)) {
          this.stopped = true;
          return this.tell("stopped", answer.why);
        } else {
          throw new Error(answer.why);
        }
      }
      this.tell(refused ? "refused" : "saved", refused);
    } catch {
      this.tell("waiting");
      this.timer = setTimeout(() => this.send(), this.delay);
      this.delay = Math.min(2 * this.delay, LONGEST);
    } finally {
      this.sending = false;
    }
  }

  async post(event) {
    const answer = await fetch("/ratings", {
      method: "POST",
      headers: { "content-type": "application/json", "x-form-token": this.formToken },
      body: JSON.stringify(event),
      credentials: "same-origin",
      redirect: "error",
      keepalive: true, // goes out even if the page is left this moment
      signal: AbortSignal.timeout(PATIENCE),
    });
    const told = await answer.json().catch(() => ({}));
    return { ok: answer.ok && told.saved === true, status: answer.status, why: told.error ?? "" };
  }

  async empty(milliseconds) {
    // Whether all is saved, after waiting for it that long.
    const end = Date.now() + milliseconds;
    this.send();
    while (this.keys().length && !this.stopped && Date.now() < end) {
      await new Promise((done) => setTimeout(done, 40));
    }
    return this.keys().length === 0;
  }
}

export function uuid() {
  // crypto.randomUUID is there for encrypted pages only; a rater in the same network comes by plain http.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
