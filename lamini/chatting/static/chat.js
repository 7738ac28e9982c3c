// Asks and shows. Every text goes into the page as text: nothing that a student writes is read as markup.

const $ = (id) => document.getElementById(id);
const prompt = $("prompt"), send = $("send"), stop = $("stop"), rounds = $("rounds"), chosen = $("students");
const asked = []; // prompts of this page, the last one first
let running = null; // AbortController of the round that is being answered
let recalled = -1;

const ENDS = {
  whole: "", length: "cut at the limit", stopped: "stopped",
};

function make(tag, className, text) {
  const one = document.createElement(tag);
  if (className) one.className = className;
  if (text !== undefined) one.textContent = text;
  return one;
}

function boxes() {
  return [...chosen.querySelectorAll("input[name=student]")];
}

function trouble(sentence) {
  $("trouble").textContent = sentence;
  $("trouble").hidden = !sentence;
}

// The students

function inWords(bytes) {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(0)} MB`;
}

function showStudents(students) {
  let bytes = 0, ready = 0;
  for (const one of students) {
    const item = chosen.querySelector(`li[data-key="${CSS.escape(one.key)}"]`);
    if (!item) continue;
    const box = item.querySelector("input");
    if (one.state === "failed" && item.dataset.state !== "failed") { box.checked = false; box.disabled = true; }
    item.dataset.state = one.state;
    item.querySelector(".about").textContent = one.about;
    bytes += one.bytes;
    ready += one.state === "ready";
  }
  $("memory").textContent = `${ready} of ${students.length} students loaded, ${inWords(bytes)} of weights`;
  toggled();
  return students.some((one) => one.state === "waiting" || one.state === "loading");
}

async function watchStudents() {
  try {
    const answer = await fetch("/students");
    if (showStudents(await answer.json())) setTimeout(watchStudents, 700);
  } catch {
    setTimeout(watchStudents, 3000); // the server is away
  }
}

function toggled() {
  $("toggle").textContent = boxes().some((box) => box.checked) ? "Nobody" : "Everybody";
}

$("toggle").addEventListener("click", () => {
  const on = !boxes().some((box) => box.checked);
  for (const box of boxes()) box.checked = on && !box.disabled;
  toggled();
});
chosen.addEventListener("change", toggled);

// A round

function card(key) {
  const item = chosen.querySelector(`li[data-key="${CSS.escape(key)}"]`);
  const one = make("article", "card");
  const title = make("h3");
  title.append(make("span", "name", item.querySelector(".name").textContent));
  const mark = item.querySelector(".mark");
  if (mark) title.append(mark.cloneNode(true));
  title.id = `a${rounds.childElementCount}-${key}`;
  one.setAttribute("aria-labelledby", title.id);
  one.setAttribute("aria-busy", "true");
  const text = make("p", "answer");
  text.dir = "auto";
  text.dataset.empty = "waits";
  one.append(title, text, make("p", "end"));
  return one;
}

function told(message) {
  const time = message.seconds < 1 ? `${Math.round(1000 * message.seconds)} ms` : `${message.seconds.toFixed(1)} s`;
  const speed = message.seconds > 0 ? `, ${(message.tokens / message.seconds).toFixed(0)} tokens/s` : "";
  const how = [ENDS[message.end], message.cut ? "the prompt was cut to the context" : ""].filter(Boolean);
  return [`${message.tokens} tokens in ${time}${speed}`, ...how].join("; ");
}

function heard(one, message) {
  const text = one.querySelector(".answer");
  if (message.state === "begun") text.dataset.empty = "thinks";
  if (message.add !== undefined) text.append(message.add);
  if (message.text !== undefined) text.textContent = message.text;
  if (message.end === undefined) return;
  one.setAttribute("aria-busy", "false");
  one.dataset.end = message.end;
  text.dataset.empty = message.end === "failed" ? "no answer" : "an empty answer";
  one.querySelector(".end").textContent = message.end === "failed" ? message.why : told(message);
}

function begin(question) {
  const round = make("section", "round");
  const head = make("div", "asked");
  const again = make("button", "quiet", "Ask again");
  again.type = "button";
  again.addEventListener("click", () => { prompt.value = question.prompt; prompt.focus(); });
  const title = make("h2", "", question.prompt);
  title.id = `q${rounds.childElementCount}`;
  round.setAttribute("aria-labelledby", title.id);
  head.append(title, again);
  const cards = make("div", "cards");
  const found = new Map(question.students.map((key) => [key, card(key)]));
  cards.append(...found.values());
  round.append(head, cards);
  rounds.prepend(round);
  return found;
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) yield JSON.parse(part);
  }
}

async function ask(question) {
  running = new AbortController();
  busy(true);
  let cards = null, ended = 0;
  try {
    const answer = await fetch("/answers", {
      method: "POST", signal: running.signal, body: JSON.stringify(question),
      headers: { "content-type": "application/json", "x-form-token": document.body.dataset.token },
    });
    if (!answer.ok) {
      trouble((await answer.json().catch(() => ({ error: "The server refused the question." }))).error);
      return;
    }
    cards = begin(question);
    asked.unshift(question.prompt);
    prompt.select();
    for await (const message of lines(answer.body)) {
      heard(cards.get(message.student), message);
      if (message.end !== undefined) $("status").textContent = `${++ended} of ${cards.size} have answered`;
    }
    leave(cards, "The server ended before this answer did.");
  } catch (error) {
    if (error.name === "AbortError") {
      leave(cards, "stopped");
      $("status").textContent = "Stopped";
    } else {
      leave(cards, "The server went away before this answer ended.");
      trouble("The server does not answer; is chat.py still running?");
    }
  } finally {
    running = null;
    busy(false);
  }
}

function leave(cards, why) {
  for (const one of cards?.values() ?? []) {
    if (one.getAttribute("aria-busy") !== "true") continue;
    one.setAttribute("aria-busy", "false");
    one.dataset.end = why === "stopped" ? "stopped" : "failed";
    one.querySelector(".answer").dataset.empty = "no answer";
    one.querySelector(".end").textContent = why;
  }
}

function busy(is) {
  const focused = document.activeElement;
  send.disabled = is;
  stop.disabled = !is;
  if (focused === send || focused === stop) prompt.focus();
}

// What people do

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) return;
  trouble("");
  const students = boxes().filter((box) => box.checked).map((box) => box.value);
  if (!prompt.value.trim()) return trouble("The prompt is empty.");
  if (!students.length) return trouble("Nobody is asked; choose a student.");
  recalled = -1;
  ask({
    prompt: prompt.value, students,
    max_new_tokens: $("tokens").valueAsNumber, temperature: $("temperature").valueAsNumber,
  });
});

stop.addEventListener("click", () => running?.abort());

prompt.addEventListener("keydown", (event) => {
  if (event.isComposing) return; // an input method is at work: its Enter is not ours
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    $("ask").requestSubmit();
  } else if (event.key === "ArrowUp" && asked.length && untouched()) {
    event.preventDefault();
    recalled = Math.min(recalled + 1, asked.length - 1);
    prompt.value = asked[recalled];
  } else if (event.key === "ArrowDown" && recalled >= 0 && untouched()) {
    event.preventDefault();
    recalled -= 1;
    prompt.value = recalled < 0 ? "" : asked[recalled];
  }
});

function untouched() {
  return prompt.value === "" || asked.includes(prompt.value);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && running) { event.preventDefault(); running.abort(); }
  const typing = event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLInputElement && event.target.type === "number";
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) { event.preventDefault(); prompt.focus(); }
});

watchStudents();
