// What the page remembers, and how long a rating took.

export function memory(prefix) {
  // In this tab (sessionStorage) or for all tabs (localStorage); without storage the page works all the same.
  return {
    recall(storage, name, otherwise) {
      try {
        return JSON.parse(window[storage].getItem(prefix + name)) ?? otherwise;
      } catch {
        return otherwise;
      }
    },
    remember(storage, name, value) {
      try {
        window[storage].setItem(prefix + name, JSON.stringify(value));
      } catch {}
    },
  };
}

export function stopwatch() {
  // Each call gives the seconds since the last one in which the page was in view.
  let since = performance.now();
  let spent = 0;
  addEventListener("visibilitychange", () => {
    const now = performance.now();
    if (document.hidden) spent += now - since;
    since = now;
  });
  return () => {
    const now = performance.now();
    const seconds = (spent + (document.hidden ? 0 : now - since)) / 1000;
    [since, spent] = [now, 0];
    return Math.round(seconds * 10) / 10;
  };
}
