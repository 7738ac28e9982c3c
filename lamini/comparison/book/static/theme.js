"use strict";
// Before anything is drawn: the colours that the reader chose here before. Storage may be closed to files.
try {
  const chosen = localStorage.getItem("lamini-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {}
