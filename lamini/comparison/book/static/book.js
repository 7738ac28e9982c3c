"use strict";
// Sorts tables, filters students in all tables, figures and responses at once, marks the chapter in view.

(() => {
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const one = (query, root = document) => root.querySelector(query);

  // Light or dark

  const themes = one(".themes");
  themes.hidden = false;
  const chosen = document.documentElement.dataset.theme || "";
  for (const radio of all("input", themes)) radio.checked = radio.value === chosen;
  themes.addEventListener("change", ({ target }) => {
    if (target.value) document.documentElement.dataset.theme = target.value;
    else delete document.documentElement.dataset.theme;
    try {
      localStorage.setItem("lamini-theme", target.value);
    } catch {}
  });

  // Filter

  const members = JSON.parse(one("#members").textContent);
  const known = new Map(members.map((member) => [member.id, member]));
  const owned = all("[data-member]").flatMap((element) => {
    const ids = element.dataset.member.split(" ").filter((id) => known.has(id));
    return ids.length ? [{ element, ids }] : []; // what belongs to nobody of the herd is always shown
  });
  const lists = all(".listing, .answers").map((list) => ({
    rows: all("tbody tr, .responses > section", list),
    none: one(".none", list),
  }));
  const filters = one(".filters");
  const form = one("#filter");

  const matches = (member, want) =>
    want.words.every((word) => member.words.includes(word)) &&
    (!want.family.length || want.family.includes(member.family)) &&
    ["size", "status", "kind"].every((key) => !want[key] || want[key] === member[key]);

  const filter = () => {
    const data = new FormData(form);
    const want = {
      words: data.get("words").toLowerCase().split(/\s+/).filter(Boolean),
      family: data.getAll("family"),
      size: data.get("size"),
      status: data.get("status"),
      kind: data.get("kind"),
    };
    const shown = new Set(members.filter((member) => matches(member, want)).map((member) => member.id));
    for (const { element, ids } of owned) {
      const hide = !ids.some((id) => shown.has(id));
      if (hide !== element.hasAttribute("hidden")) element.toggleAttribute("hidden", hide);
    }
    for (const { rows, none } of lists) none.hidden = !rows.length || rows.some((row) => !row.hidden);
    const count = `${shown.size} of ${members.length} shown`;
    for (const place of all(".count", filters)) place.textContent = count;
  };

  if (members.length > 1) {
    filters.hidden = false;
    let due = 0;
    const soon = () => {
      cancelAnimationFrame(due);
      due = requestAnimationFrame(filter);
    };
    form.addEventListener("input", soon);
    form.addEventListener("reset", () => setTimeout(filter));
    form.addEventListener("submit", (event) => event.preventDefault());
    filter(); // a reloaded page may keep what was typed
  }

  // A student under the pointer stands out in its figure

  for (const figure of all(".picture svg")) {
    figure.addEventListener("pointerover", ({ target }) => {
      const member = target.closest("[data-member]")?.dataset.member;
      figure.classList.toggle("lit", Boolean(member));
      for (const group of all("[data-member]", figure)) group.classList.toggle("chosen", group.dataset.member === member);
    });
    figure.addEventListener("pointerleave", () => figure.classList.remove("lit"));
  }

  // Sort

  const said = document.createElement("p");
  said.className = "unseen";
  said.setAttribute("aria-live", "polite");
  document.body.append(said);

  const value = (row, column) => {
    const cell = row.cells[column];
    if (cell.firstElementChild?.localName === "i") return null; // nothing there
    if (cell.dataset.v) return Number(cell.dataset.v);
    const text = (cell.firstChild?.textContent ?? "").trim();
    return text !== "" && cell.classList.contains("n") && !isNaN(text) ? Number(text) : text;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });

  const sort = (table, column, direction) => {
    const body = table.tBodies[0];
    const keyed = table.written.map((row) => [value(row, column), row]);
    const there = keyed.filter(([key]) => key !== null);
    const sign = direction === "descending" ? -1 : 1;
    if (direction !== "none") there.sort(([a], [b]) => sign * compare(a, b));
    const rows = direction === "none" ? table.written : [...there, ...keyed.filter(([key]) => key === null)].map(([, row]) => row);
    body.append(...rows);
  };

  const next = (now, number) => {
    const order = number ? ["none", "descending", "ascending"] : ["none", "ascending", "descending"];
    return order[(order.indexOf(now) + 1) % 3];
  };

  for (const table of all("table[data-sortable]")) {
    table.written = [...table.tBodies[0].rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      head.ariaSort = "none";
      button.addEventListener("click", () => {
        const direction = next(head.ariaSort, head.classList.contains("n"));
        for (const other of heads) other.ariaSort = "none";
        head.ariaSort = direction;
        sort(table, column, direction);
        const name = button.textContent.trim();
        said.textContent = direction === "none" ? "In the order of the book" : `Sorted by ${name}, ${direction}`;
      });
    });
  }

  // What is out of view is not laid out; told about how high it will be, the page does not jump when it is

  const tell = (block, height) => (block.style.containIntrinsicBlockSize = `auto ${Math.round(height)}px`);
  for (const block of all(".listing")) {
    const height = 33 * all("tbody tr", block).length + 45;
    tell(block, 50 + (block.classList.contains("tall") ? Math.min(height, 0.8 * innerHeight, 832) : height));
  }
  for (const block of all(".drawing")) {
    const { width, height } = one("svg", block).viewBox.baseVal;
    tell(block, 100 + (Math.max(608, block.clientWidth) * height) / width);
  }

  // The chapter in view

  const links = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
  const inView = new Set();
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) inView[isIntersecting ? "add" : "delete"](target.id);
      const first = [...links.keys()].find((key) => inView.has(key));
      for (const [key, link] of links) {
        if (key === first) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    },
    { rootMargin: "-15% 0px -60% 0px" },
  );
  for (const chapter of all(".chapter")) watcher.observe(chapter);

  // Folded where there is little room, unfolded on paper

  const narrow = matchMedia("(max-width: 62rem)");
  const menus = all(".contents > details, .filters > details");
  const fold = () => menus.forEach((menu) => (menu.open = !narrow.matches));
  narrow.addEventListener("change", fold);
  fold();
  one(".contents").addEventListener("click", ({ target }) => {
    const link = target.closest("a");
    if (!link) return;
    if (narrow.matches) one(".contents > details").open = false;
    const again = () => document.getElementById(link.hash.slice(1)).scrollIntoView();
    requestAnimationFrame(() => requestAnimationFrame(again)); // what lies there was laid out just now,
    setTimeout(again, 200); // and what lies around it
  });
})();
