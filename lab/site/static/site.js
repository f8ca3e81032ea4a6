// Theme, search, filters, sorting and the readout of curves. Whatever a log or a run says is only
// ever placed as text: nothing here builds HTML from it.
"use strict";

// Theme: what the reader chose, else what the system says. Set before anything is painted.
const root = document.documentElement;
const store = {
  get: () => { try { return localStorage.getItem("lab-theme"); } catch { return null; } },
  set: (value) => { try { localStorage.setItem("lab-theme", value); } catch { /* not kept then */ } },
};
if (["light", "dark"].includes(store.get())) root.dataset.theme = store.get();
root.classList.add("js");

const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function setUpTheme() {
  const frames = [...document.querySelectorAll("iframe.notebook")].map((frame) => [frame, frame.getAttribute("src")]);
  const apply = () => {
    // A frame without script learns the theme from the address it is shown at.
    if (root.dataset.theme) for (const [frame, address] of frames) frame.src = `${address}#${root.dataset.theme}`;
  };
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    store.set(root.dataset.theme);
    apply();
  });
  apply();
}

// Tables: a click on a heading sorts by its column, a second one turns the order round.
function setUpSorting(table) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = element("button", "sort", heading.textContent);
    button.type = "button";
    heading.replaceChildren(button);
    const numeric = heading.hasAttribute("data-numeric");
    button.addEventListener("click", () => {
      const before = heading.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numeric;
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      sortRows(table.tBodies[0], column, numeric, down);
    });
  });
}

function sortRows(body, column, numeric, down) {
  const key = (row) => {
    const cell = row.cells[column];
    const text = cell.dataset.key ?? cell.textContent.trim();
    return numeric ? (text === "" ? NaN : Number(text)) : text;
  };
  const compare = numeric ? (a, b) => a - b : (a, b) => a.localeCompare(b, "en", { numeric: true });
  const empty = (value) => (numeric ? Number.isNaN(value) : value === "");
  const rows = [...body.rows].map((row) => [key(row), row]);
  rows.sort(([a], [b]) => {
    if (empty(a) || empty(b)) return empty(a) - empty(b); // what has no value stays last
    return down ? compare(b, a) : compare(a, b);
  });
  body.append(...rows.map(([, row]) => row));
}

// Filters: every word has to occur; what is asked for is kept in the address.
function setUpFilter() {
  const field = document.getElementById("filter");
  if (!field) return;
  const items = [...document.querySelectorAll(".filtered [data-words]")];
  const haystacks = items.map((item) => item.dataset.words.toLowerCase());
  const choices = [...document.querySelectorAll("select[data-column]")];
  const count = document.getElementById("count");
  const apply = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    items.forEach((item, i) => {
      const fits = words.every((word) => haystacks[i].includes(word))
        && choices.every((choice) => !choice.value || item.dataset[choice.dataset.column] === choice.value);
      item.hidden = !fits;
      shown += fits;
    });
    count.textContent = shown === items.length ? "" : `${shown} of ${items.length}`;
  };
  const remember = () => {
    const said = field.value.trim();
    history.replaceState(null, "", said ? `#q=${encodeURIComponent(said)}` : location.pathname + location.search);
  };
  const recall = () => {
    const match = /^#q=(.*)$/.exec(location.hash);
    if (match) { try { field.value = decodeURIComponent(match[1]); } catch { /* not ours */ } }
    apply();
  };
  for (const control of [field, ...choices]) control.hidden = false;
  field.addEventListener("input", () => { apply(); try { remember(); } catch { /* not kept then */ } });
  for (const choice of choices) choice.addEventListener("change", apply);
  addEventListener("hashchange", recall);
  recall();
}

// Curves: the nearest step under the pointer, and what each line is there.
function setUpChart(svg) {
  const [low, high, left, right] = svg.dataset.x.split(" ").map(Number);
  const lines = [...svg.querySelectorAll("polyline")].map((line) => ({
    name: line.dataset.name,
    colour: line.getAttribute("class").split(" ")[1],
    points: line.dataset.v.split(" ").filter(Boolean).map((pair) => pair.split(":").map(Number)),
  }));
  const steps = [...new Set(lines.flatMap((line) => line.points.map((point) => point[0])))].sort((a, b) => a - b);
  const readout = element("div", "readout");
  readout.hidden = true;
  svg.parentElement.append(readout);
  const cursor = svg.querySelector(".cursor");
  const value = (y) => (svg.dataset.percent === "1" ? `${(100 * y).toFixed(1)}%` : String(Number(y.toPrecision(4))));
  const nearest = (x) => steps.reduce((best, step) => (Math.abs(step - x) < Math.abs(best - x) ? step : best), steps[0]);
  const hide = () => { readout.hidden = true; svg.classList.remove("on"); };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const step = nearest(low + (((event.clientX - box.left) * scale - left) / (right - left)) * (high - low));
    const x = left + ((step - low) / (high - low)) * (right - left);
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    svg.classList.add("on");
    readout.replaceChildren(element("b", "", `${svg.dataset.word} ${step}`));
    for (const line of lines) {
      const point = line.points.find(([at]) => at === step);
      if (!point) continue;
      const row = element("div", `key ${line.colour}`, `${line.name.replace(/\/[^/]*$/, "")} `);
      row.append(element("span", "number", value(point[1])));
      readout.append(row);
    }
    readout.hidden = false;
    const place = x / scale;
    readout.style.left = place > box.width / 2 ? "" : `${place + 12}px`;
    readout.style.right = place > box.width / 2 ? `${box.width - place + 12}px` : "";
  });
  svg.addEventListener("pointerleave", hide);
}

// Search: the index is a script, since a page from a folder may not fetch files.
let index = null;
const waiting = [];
function labSearch(found) { // called by assets/search.js
  index = found.map((item) => ({ ...item, title: item.t.toLowerCase(), about: item.s.toLowerCase(), text: item.x.toLowerCase() }));
  for (const call of waiting.splice(0)) call();
}

function withIndex(call) {
  if (index) { call(); return; }
  waiting.push(call);
  if (waiting.length > 1) return;
  const script = element("script");
  script.src = `${document.body.dataset.up}assets/search.js`;
  document.head.append(script);
}

function found(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = [];
  for (const item of index) {
    let score = item.k === "entry" ? 1 : 0;
    const fits = words.every((word) => {
      if (item.title.includes(word)) score += 8;
      else if (item.about.includes(word)) score += 4;
      else if (item.text.includes(word)) score += 1;
      else return false;
      return true;
    });
    if (fits) hits.push([score, item]);
  }
  return [hits.sort((a, b) => b[0] - a[0]).map((hit) => hit[1]), words];
}

function excerpt(item, words) {
  const at = Math.min(...words.map((word) => item.text.indexOf(word)).filter((i) => i >= 0));
  if (!Number.isFinite(at)) return item.k === "entry" ? item.x.slice(0, 120) : "";
  const start = Math.max(0, at - 40);
  return `${start ? "…" : ""}${item.x.slice(start, at + 100)}…`;
}

function marked(text, words) {
  const made = element("span", "excerpt");
  let rest = text;
  while (rest) {
    const small = rest.toLowerCase();
    const hits = words.map((word) => [small.indexOf(word), word]).filter(([i]) => i >= 0).sort((a, b) => a[0] - b[0]);
    if (!hits.length || small.length !== rest.length) break;
    const [i, word] = hits[0];
    made.append(rest.slice(0, i), element("mark", "", rest.slice(i, i + word.length)));
    rest = rest.slice(i + word.length);
  }
  made.append(rest);
  return made;
}

function setUpSearch() {
  const field = document.getElementById("search");
  const results = document.getElementById("results");
  const show = () => {
    const query = field.value.trim();
    results.hidden = !query;
    if (!query) return;
    withIndex(() => {
      const [hits, words] = found(query);
      results.replaceChildren(...hits.slice(0, 20).map((item) => {
        const link = element("a", `hit ${item.k === "run" ? "run" : "entry"}`);
        link.href = document.body.dataset.up + item.u;
        link.append(element("b", "", item.t), element("span", "dim", item.s), marked(excerpt(item, words), words));
        return link;
      }));
      if (!hits.length) results.append(element("p", "dim", "Nothing found."));
      else if (hits.length > 20) results.append(element("p", "dim", `${hits.length - 20} more; another word narrows it.`));
    });
  };
  field.addEventListener("input", show);
  field.addEventListener("focus", () => { withIndex(() => {}); show(); });
  document.addEventListener("pointerdown", (event) => { if (!event.target.closest(".find")) results.hidden = true; });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing) { event.preventDefault(); field.focus(); field.select(); }
    if (event.key === "Escape") { results.hidden = true; field.blur(); }
    if (results.hidden || !document.activeElement.closest(".find")) return;
    const links = [...results.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    if (event.key === "ArrowDown") { event.preventDefault(); links[Math.min(at + 1, links.length - 1)]?.focus(); }
    if (event.key === "ArrowUp") { event.preventDefault(); (at > 0 ? links[at - 1] : field).focus(); }
    if (event.key === "Enter" && document.activeElement === field) links[0]?.click();
  });
}

document.addEventListener("DOMContentLoaded", () => {
  setUpTheme();
  setUpSearch();
  setUpFilter();
  document.querySelectorAll("table.sortable").forEach(setUpSorting);
  document.querySelectorAll("svg.chart").forEach(setUpChart);
  // An address may point into something folded.
  const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
  target?.closest("details")?.setAttribute("open", "");
});
