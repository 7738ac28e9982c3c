// The page at work: which response is at hand, what keys and pointer do to it, and what is undone.
// All text comes into the page as text; nothing here makes HTML.

import { memory, stopwatch } from "./memory.js";
import { Queue, uuid } from "./queue.js";

const page = document.body.dataset;
const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const saved = find("#saved");
const WORDS = {
  saved: "Saved",
  saving: "Saving\u2026",
  waiting: "Not saved yet: the server is away. Kept here, trying again.",
  stopped: "Not saved: ",
  refused: "Not taken: ",
};

function say(words) {
  find("#said").textContent = words;
}

const queue = new Queue(page.queue, page.form, (state, why = "") => {
  if (saved.dataset.state !== state && !["saved", "saving"].includes(state)) say(WORDS[state] + why);
  saved.dataset.state = state;
  saved.textContent = WORDS[state] + why + (state === "stopped" ? " Your ratings are kept in this browser." : "");
});

const { recall, remember } = memory(page.queue);
const lap = stopwatch();

// The cards, and what was said of each: {level, note, skipped, flagged}.

const levels = all("#levels button");
const letters = levels.map((button) => button.dataset.level);
const cards = all(".card");
const said = new Map();
let at = 0; // the card at hand

for (const card of cards) {
  const { level, skipped, flagged } = card.dataset;
  const note = find("textarea", card).value;
  said.set(card.id, { level: level || null, note, skipped: Boolean(skipped), flagged: Boolean(flagged) });
}
for (const { item, target, level, note, skipped, flagged } of queue.waiting()) {
  // Newer than what the server knew when it made the page.
  if (item === page.item && said.has(target)) said.set(target, { level, note, skipped, flagged });
}

const settled = (card) => said.get(card.id).level !== null || said.get(card.id).skipped;
const noteOf = (card) => find("textarea", card);

function show(card) {
  const { level, note, skipped, flagged } = said.get(card.id);
  for (const button of all(".letters button", card)) {
    button.setAttribute("aria-pressed", String(button.dataset.level === level));
  }
  find("[data-do=skip]", card).setAttribute("aria-pressed", String(skipped));
  find("[data-do=flag]", card).setAttribute("aria-pressed", String(flagged));
  if (document.activeElement !== noteOf(card) && noteOf(card).value !== note) noteOf(card).value = note;
  if (note) find(".note", card).hidden = false;
  find("[data-do=note]", card).setAttribute("aria-expanded", String(!find(".note", card).hidden));
  card.classList.toggle("settled", settled(card));
  find(".state", card).textContent = [skipped && "skipped", flagged && "flagged"].filter(Boolean).join(", ");
  showWhole();
}

function showWhole() {
  const open = cards.filter((card) => !settled(card)).length;
  find("#open").textContent = open ? `${open} of ${cards.length} still open` : "";
  find("#after").classList.toggle("unready", open > 0 && find("#after").getAttribute("href") === "/rate");
  const { level } = said.get(cards[at].id);
  for (const button of levels) button.setAttribute("aria-pressed", String(button.dataset.level === level));
  find("#at").textContent = cards[at].dataset.title;
}

function goTo(index, scroll = true) {
  if (index < 0) scrollTo(0, 0); // above the first one stands the instruction
  at = Math.max(0, Math.min(cards.length - 1, index));
  for (const card of cards) {
    card.classList.toggle("current", card === cards[at]);
    if (card === cards[at]) card.setAttribute("aria-current", "true");
    else card.removeAttribute("aria-current");
  }
  showWhole();
  if (!scroll || index < 0) return;
  cards[at].focus({ preventScroll: true });
  reveal(cards[at]);
}

function reveal(element) {
  const { top, bottom } = element.getBoundingClientRect();
  const under = find(".bar").getBoundingClientRect().bottom;
  const scale = find(".scale").getBoundingClientRect();
  const over = scale.top > under + 1 && scale.width > innerWidth * 0.9 ? scale.top : innerHeight;
  if (top < under || bottom > over) element.scrollIntoView({ block: "start" });
}

// Ratings.

function change(card, difference) {
  const before = said.get(card.id);
  const after = { ...before, ...difference };
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  const steps = recall("sessionStorage", "steps", []);
  remember("sessionStorage", "steps", [...steps, { item: page.item, target: card.id, state: before }].slice(-100));
  set(card, after);
}

function set(card, state) {
  said.set(card.id, state);
  post(page.item, card.id, state);
  show(card);
}

function post(item, target, state) {
  queue.put({ id: uuid(), item, target, ...state, seconds: lap() });
}

function rate(letter, stay = false) {
  const card = cards[at];
  const again = stay && said.get(card.id).level === letter; // a second click on a button takes it back
  change(card, { level: again ? null : letter, skipped: false });
  say(`${card.dataset.title}: ${again ? "taken back" : letter}.`);
  if (!stay) moveOn();
}

function skip(stay = false) {
  const { skipped } = said.get(cards[at].id);
  change(cards[at], { level: null, skipped: !skipped });
  say(`${cards[at].dataset.title}: ${skipped ? "not skipped" : "skipped"}.`);
  if (!stay && !skipped) moveOn();
}

function flag() {
  const { flagged } = said.get(cards[at].id);
  change(cards[at], { flagged: !flagged });
  say(`${cards[at].dataset.title}: ${flagged ? "not flagged" : "flagged"}.`);
}

function moveOn() {
  const next = [...cards.slice(at + 1), ...cards.slice(0, at)].find((card) => !settled(card));
  if (next) return goTo(cards.indexOf(next));
  find("#after").focus({ preventScroll: true });
  reveal(find("#after"));
}

function undo() {
  const steps = recall("sessionStorage", "steps", []);
  const step = steps.pop();
  if (!step) return say("There is nothing to undo.");
  remember("sessionStorage", "steps", steps);
  if (step.item !== page.item) {
    post(step.item, step.target, step.state);
    location.assign(`/rate/${step.item}#${step.target}`);
    return;
  }
  const card = cards.find((one) => one.id === step.target);
  set(card, step.state);
  noteOf(card).value = step.state.note;
  goTo(cards.indexOf(card));
  say(`${card.dataset.title}: undone.`);
}

// Notes are kept while they are written, whatever closes the page.

const writing = new Map();

function keepNote(card) {
  clearTimeout(writing.get(card.id));
  writing.delete(card.id);
  change(card, { note: noteOf(card).value.trim() });
}

function keepNotes() {
  for (const card of cards) if (writing.has(card.id)) keepNote(card);
}

function openNote() {
  find(".note", cards[at]).hidden = false;
  show(cards[at]);
  noteOf(cards[at]).focus();
}

for (const card of cards) {
  noteOf(card).addEventListener("input", () => {
    clearTimeout(writing.get(card.id));
    writing.set(card.id, setTimeout(() => keepNote(card), 800));
  });
  noteOf(card).addEventListener("blur", () => keepNote(card));
}
addEventListener("pagehide", keepNotes);
addEventListener("visibilitychange", () => document.hidden && keepNotes());

// Texts.

function unfold(within) {
  const texts = all(".text.folded, .text.unfolded", within);
  const open = texts.some((text) => text.classList.contains("folded"));
  for (const text of texts) {
    text.classList.toggle("folded", !open);
    text.classList.toggle("unfolded", open);
    const button = text.nextElementSibling;
    button.dataset.all ??= button.textContent;
    button.textContent = open ? "Show less" : button.dataset.all;
    button.setAttribute("aria-expanded", String(open));
  }
  if (!open && texts.length) reveal(within);
}

function showWritten(written) {
  for (const text of all(".text")) {
    const [drawn, raw] = [find(".drawn", text), find(".written", text)];
    if (raw) [drawn.hidden, raw.hidden] = [written, !written];
  }
  find("#written-on").checked = written;
  remember("sessionStorage", "written", written);
}

// Onward.

async function onward(link) {
  keepNotes();
  const open = cards.find((card) => !settled(card));
  if (open && link.getAttribute("href") === "/rate") {
    say(`${find("#open").textContent}. Skip what you cannot judge.`);
    return goTo(cards.indexOf(open));
  }
  if (await queue.empty(5000)) location.assign(link.href);
  else say(saved.textContent);
}

// Keys and pointer.

const KEYS = {
  ARROWDOWN: () => goTo(at + 1),
  J: () => goTo(at + 1),
  ARROWUP: () => goTo(at - 1),
  K: () => goTo(at - 1),
  ARROWRIGHT: () => onward(find("#after")),
  ARROWLEFT: () => find("#before")?.click(),
  U: undo,
  S: () => skip(),
  F: flag,
  N: openNote,
  I: () => scrollTo(0, 0),
  E: () => unfold(cards[at].querySelector(".folded, .unfolded") ? cards[at] : find(".asked")),
  W: () => showWritten(!recall("sessionStorage", "written", false)),
  "?": () => find("#help").showModal(),
};

function pressed(event) {
  // Layouts without Latin letters are read by the key's place.
  const key = event.key.toUpperCase();
  return /^[^\x00-\x7f]$/.test(key) && event.code.startsWith("Key") ? event.code.slice(3) : key;
}

function onKey(event) {
  if (event.defaultPrevented || event.isComposing || find("#help").open) return;
  const key = pressed(event);
  if (event.target.matches?.("textarea, input")) {
    if (key === "ESCAPE") goTo(at);
    return;
  }
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && key === "Z") {
    event.preventDefault();
    return undo();
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (!recall("localStorage", "keys", true) && key !== "?") return;
  const act = letters.includes(key) ? () => rate(key) : KEYS[key];
  if (!act) return;
  event.preventDefault();
  if (event.repeat && !key.startsWith("ARROW") && key !== "J" && key !== "K") return; // a key held down rates once
  act();
}

function onClick(event) {
  const button = event.target.closest("button, a");
  const card = event.target.closest(".card");
  if (card) goTo(cards.indexOf(card), false);
  if (!button) return;
  const { level, do: what } = button.dataset;
  if (level) rate(level, Boolean(card));
  else if (what === "skip") skip(true);
  else if (what === "flag") flag();
  else if (what === "note") openNote();
  else if (button.matches(".more")) unfold(card ?? find(".asked"));
  else if (button.id === "after") [event.preventDefault(), onward(button)];
  else if (button.id === "undo") undo();
  else if (button.id === "fold") fold(!recall("localStorage", "less", false));
}

function fold(less) {
  find(".scale").classList.toggle("less", less);
  find("#fold").textContent = less ? "Show criteria" : "Hide criteria";
  find("#fold").setAttribute("aria-expanded", String(!less));
  remember("localStorage", "less", less);
}

function begin() {
  const named = cards.findIndex((card) => `#${card.id}` === location.hash);
  const open = cards.findIndex((card) => !settled(card));
  goTo(Math.max(0, named >= 0 ? named : open), named >= 0 || open > 0);
  cards.forEach(show);
  showWritten(recall("sessionStorage", "written", false));
  fold(recall("localStorage", "less", false));
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", onClick);
  document.addEventListener("focusin", (event) => {
    const card = event.target.closest(".card");
    if (card && cards[at] !== card) goTo(cards.indexOf(card), false);
  });
  const keys = find("#keys-on");
  keys.checked = recall("localStorage", "keys", true);
  keys.addEventListener("change", () => remember("localStorage", "keys", keys.checked));
  find("#written-on").addEventListener("change", (event) => showWritten(event.target.checked));
  find("#help-open").addEventListener("click", () => find("#help").showModal());
  find("#help-close").addEventListener("click", () => find("#help").close());
}

addEventListener("pageshow", (event) => event.persisted && location.reload()); // it may be newer on the server
if (cards.length) begin();
queue.send();
