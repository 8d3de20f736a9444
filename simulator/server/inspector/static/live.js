// The inspector's only script: calls of the control API, live pages, keys.  Pages are made on the server.
"use strict";
const page = document.documentElement.dataset;
const root = new URL(page.root, location);
const api = (path) => new URL(`_sim/v1/spaces${path.startsWith("/") ? path.replace(/\/$/, "") : `/${page.space}/${path}`}`, root);
const all = (what, within = document) => [...within.querySelectorAll(what)];
const one = (what) => document.querySelector(what);

// -- saying something ---------------------------------------------------------------------------

function toast(text, bad) {
  const note = document.createElement("div");
  note.className = bad ? "toast bad" : "toast";
  note.textContent = text;
  one("#toasts").append(note);
  setTimeout(() => note.remove(), bad ? 9000 : 3500);
}

// -- calls --------------------------------------------------------------------------------------

async function call(line, body, kind = "application/json") {
  const [method, path] = line.split(/ (.*)/s);
  let answer;
  try {
    answer = await fetch(api(path), { method, body, headers: body === undefined ? {} : { "Content-Type": kind } });
  } catch {
    toast("The simulator does not answer.", true);
    return { ok: false, problem: {} };
  }
  const text = await answer.text();
  let said = {};
  try { said = text ? JSON.parse(text) : {}; } catch { said = { detail: text.slice(0, 300) }; }
  if (!answer.ok && !said.errors) toast(said.detail || said.title || `answered ${answer.status}`, true);
  refresh();
  return answer.ok ? { ok: true, said } : { ok: false, problem: said };
}

function fields(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.value.trim() === "") continue;
    if ("json" in field.dataset) body[field.name] = JSON.parse(field.value);
    else if ("number" in field.dataset) body[field.name] = Number(field.value);
    else if ("clock" in field.dataset) {
      const [mode, rate] = field.value.split(" ");
      Object.assign(body, rate ? { mode, rate: Number(rate) } : { mode });
    } else body[field.name] = field.value;
  }
  return body;
}

async function submit(form) {
  const data = form.dataset;
  if (data.yaml) return put(form, form.elements[data.yaml].value);
  let body;
  try { body = fields(form); } catch (trouble) { return toast(`That is no JSON: ${trouble.message}`, true); }
  const result = await call(data.call, JSON.stringify(body));
  if (!result.ok) return undefined;
  if (data.clear) form.elements[data.clear].value = "";
  if (data.thenSpace) location = `${data.thenSpace}${encodeURIComponent(result.said.name)}/messages`;
  return undefined;
}

async function put(form, text) {
  const result = await call(form.dataset.call, text, "application/yaml");
  const complaints = one("#complaints");
  complaints.replaceChildren();
  if (result.ok) {
    toast("In force.");
    one("#text").removeAttribute("data-touched");
    if (location.search) location = location.pathname;
    return;
  }
  for (const line of result.problem.errors || [result.problem.detail]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = line;
    const place = /^[^:]*:(\d+)/.exec(line);
    if (place) button.dataset.line = place[1];
    complaints.append(button);
  }
}

function goToLine(number) {
  const field = one("#text");
  const lines = field.value.split("\n");
  const start = lines.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
  field.focus();
  field.setSelectionRange(start, start + (lines[number - 1] || "").length);
  field.scrollTop = (number - 4) * parseFloat(getComputedStyle(field).lineHeight);
}

async function press(button) {
  const data = button.dataset;
  if (data.confirm && !confirm(data.confirm)) return;
  button.setAttribute("aria-busy", "true");
  await call(data.call, data.body);
  button.removeAttribute("aria-busy");
}

document.addEventListener("click", (event) => {
  const at = event.target.closest("[data-call],[data-line],[data-copy],[data-resend],[data-back],[data-row],#pause,#help");
  if (!at || at.matches("form")) return;
  const data = at.dataset;
  if (data.call) press(at);
  else if (data.line) { event.preventDefault(); goToLine(Number(data.line)); }
  else if ("copy" in data) navigator.clipboard.writeText(at.nextElementSibling.textContent).then(() => toast("Copied."));
  else if ("resend" in data) call("POST webhooks/resend", JSON.stringify({ ids: picked() })).then(unpick);
  else if ("back" in data) goBack(event, at);
  else if (at.id === "pause") setPaused(!paused);
  else if (at.id === "help") one("#keys").showModal();
  else if (at.matches("tr")) {
    if (event.target.closest("a,button,input,label")) { remember(at); return; }
    open(at);
  } else remember(at);
});
document.addEventListener("submit", (event) => {
  if (!event.target.dataset.call) return;
  event.preventDefault();
  submit(event.target);
});
document.addEventListener("change", (event) => {
  const field = event.target;
  if (field.id === "space") location = new URL(`_ui/${field.value}/${(one("nav [aria-current]")?.pathname || "/messages").split("/").pop()}`, root);
  else if (field.form && "onchange" in field.form.dataset) submit(field.form);
  else if ("scrub" in field.dataset) call("PUT recording", JSON.stringify({ moment: Number(field.value) }));
  else if ("go" in field.dataset) field.form.requestSubmit();
  else if ("all" in field.dataset) all("[data-pick]").forEach((box) => { box.checked = field.checked; });
  else if (field.id === "keys-on") localStorage.setItem("keys", field.checked ? "on" : "off");
  const button = one("[data-resend]");
  if (button) button.disabled = !picked().length;
});
const picked = () => all("[data-pick]:checked").map((box) => box.dataset.pick);
function unpick() {
  all("[data-pick],[data-all]").forEach((box) => { box.checked = false; });
  one("[data-resend]").disabled = true;
}

let typing;
document.addEventListener("input", (event) => {
  const field = event.target;
  if ("keepValue" in field.dataset) field.dataset.touched = "";
  if (!("search" in field.dataset)) return;
  clearTimeout(typing);
  typing = setTimeout(() => {
    const asked = new URLSearchParams([...new FormData(field.form)].filter(([, value]) => value));
    history.replaceState(null, "", `?${asked}`);
    refresh(true);
  }, 200);
});

// -- live pages ---------------------------------------------------------------------------------

function morph(old, fresh) {
  if (old.isEqualNode(fresh) || "keep" in (old.dataset || {})) return;
  if (old.nodeName !== fresh.nodeName || old.nodeType !== Node.ELEMENT_NODE) { old.replaceWith(fresh); return; }
  const focused = old === document.activeElement;
  for (const { name } of [...old.attributes]) {
    // What the reader opened, selected or is about to send stays.
    const kept = ["open", "aria-busy", "data-touched"].includes(name) || (name === "class" && old.classList.contains("here"));
    if (!kept && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (name === "open" || (name === "value" && focused) || (name === "disabled" && "resend" in old.dataset)) continue;
    if (name === "class" && old.classList.contains("here")) old.className = `${value} here`;
    else if (old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
      if (name === "value" && old.matches("input")) old.value = value;
    }
  }
  if (old.matches("textarea")) { if (!("touched" in old.dataset)) old.value = fresh.value; return; }
  if (old.matches("select")) {
    if (!focused && old.innerHTML !== fresh.innerHTML) { const value = old.form?.dataset.call?.endsWith("inbound") ? old.value : fresh.value; old.innerHTML = fresh.innerHTML; old.value = value; }
    else if (!focused && "clock" in old.dataset) old.value = fresh.value;
    return;
  }
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const known = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  const wanted = new Set([...fresh.children].map((child) => child.id).filter(Boolean));
  let at = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    while (at && at.id && !wanted.has(at.id)) { const gone = at; at = at.nextSibling; gone.remove(); }
    const mine = next.id ? known.get(next.id) : null;
    if (mine) {
      if (mine === at) at = at.nextSibling;
      else old.insertBefore(mine, at);
      morph(mine, next);
    } else if (at && !at.id && !next.id && at.nodeName === next.nodeName) {
      const same = at;
      at = at.nextSibling;
      if (same.nodeType === Node.TEXT_NODE) { if (same.data !== next.data) same.data = next.data; } else morph(same, next);
    } else {
      if (next.nodeName === "TR") next.classList.add("fresh");
      old.insertBefore(next, at);
    }
  }
  while (at) { const gone = at; at = at.nextSibling; gone.remove(); }
}

let paused = false, running = false, again = false, timer = 0, last = 0, took = 0;
async function refresh(now) {
  if (running) { again = true; return; }
  if (!now && (paused || document.hidden)) { again = true; return; }
  // Who is slow is asked less often, but never left alone for long.
  const pause = Math.min(1000, Math.max(120, 5 * took)) - performance.now() + last;
  if (!now && !timer && pause > 0) {
    timer = setTimeout(() => { timer = 0; refresh(); }, pause);
    return;
  }
  if (timer) return;
  running = true; again = false;
  const began = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    else if (answer.status === 404) say("lost", "gone");
  } catch { say("lost", "no answer"); }
  last = performance.now(); took = last - began; running = false;
  if (again) refresh();
}

function show(fresh) {
  const screen = one("#screen");
  const atEnd = screen && screen.scrollHeight - screen.scrollTop - screen.clientHeight < 60;
  for (const old of all("[data-live]")) {
    const next = fresh.getElementById(old.id);
    if (next) morph(old, document.adoptNode(next));
  }
  const spaces = one("#space"), others = fresh.getElementById("space");
  if (spaces !== document.activeElement && spaces.innerHTML !== others.innerHTML) spaces.innerHTML = others.innerHTML;
  if (atEnd) screen.scrollTop = screen.scrollHeight;
  anchor();
}

function say(state, words) {
  const sign = one("#stream");
  sign.dataset.state = paused ? "paused" : state;
  sign.textContent = paused ? "paused" : words;
}

function setPaused(value) {
  paused = value;
  const button = one("#pause");
  button.setAttribute("aria-pressed", String(paused));
  button.textContent = paused ? "Go on" : "Pause";
  say("live", "live");
  if (!paused) refresh();
}
document.addEventListener("visibilitychange", () => { if (!document.hidden && again) refresh(); });

// One stream for the whole browser: six connections per host are all that it has.  The tab that holds the
// lock listens and tells the others; without locks (not over a secure or local address) every tab asks.
const channel = `simulator ${root.pathname}`;
function heard(news) {
  if (news.lost) { say("lost", "reconnecting"); return; }
  say("live", "live");
  if (news.open || page.space in (news.changed || {}) || (news.gone || []).length) refresh();
}
if (navigator.locks && window.BroadcastChannel) {
  const bus = new BroadcastChannel(channel);
  let lead = null;
  const tell = (news) => { heard(news); bus.postMessage(news); };
  bus.onmessage = ({ data }) => {
    if (data.hello) { if (lead?.readyState === EventSource.OPEN) bus.postMessage({ alive: true }); } else heard(data);
  };
  const listen = () => {
    lead = new EventSource(new URL("_ui/stream", root));
    lead.onopen = () => tell({ open: true });
    lead.addEventListener("changed", (event) => tell(JSON.parse(event.data)));
    lead.onerror = () => {
      tell({ lost: true });
      if (lead.readyState === EventSource.CLOSED) setTimeout(listen, 1000);
    };
  };
  navigator.locks.request(channel, () => { listen(); return new Promise(() => {}); });
  bus.postMessage({ hello: true });
} else {
  say("live", "polling");
  setInterval(() => refresh(), 2000);
}

// -- a clock that runs --------------------------------------------------------------------------

let base = 0, seen = 0;
function anchor() {
  base = Number(one("#clock").dataset.unix);
  seen = performance.now();
}
setInterval(() => {
  const clock = one("#clock");
  if (clock.dataset.mode !== "live") return;
  const now = new Date(base + (performance.now() - seen) * Number(clock.dataset.rate)).toISOString().slice(11, 23);
  one("#now b").textContent = now;
  all("[data-phone-time]").forEach((place) => { place.textContent = now.slice(0, 5); });
}, 100);

// -- rows and keys ------------------------------------------------------------------------------

const rows = () => all("[data-row]");
function stand(row) {
  all(".here[data-row]").forEach((other) => other.classList.remove("here"));
  row.classList.add("here");
  const link = row.matches("a") ? row : row.querySelector("a.open");
  link?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}
function remember(row) { sessionStorage.setItem(location.pathname, JSON.stringify({ search: location.search, row: row.id })); }
function open(row) { remember(row); location = (row.matches("a") ? row : row.querySelector("a.open")).href; }
function goBack(event, link) {
  const kept = JSON.parse(sessionStorage.getItem(link.pathname) || "null");
  if (!kept) return;
  event.preventDefault();
  location = `${link.pathname}${kept.search}#back`;
}
function step(by) {
  const list = rows();
  const at = list.findIndex((row) => row.contains(document.activeElement) || row.classList.contains("here"));
  const row = list[at < 0 ? 0 : Math.min(list.length - 1, Math.max(0, at + by))];
  if (row) stand(row);
}
const KEYS = {
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
  "/": () => one("#q")?.focus(), n: () => one('[data-key="n"]')?.click(), p: () => setPaused(!paused),
  "?": () => one("#keys").showModal(), Escape: () => one("[data-back]")?.click(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
  if (event.target.closest("input,select,textarea")) { if (event.key === "Escape") event.target.blur(); return; }
  if (event.key !== "Escape" && localStorage.getItem("keys") === "off") return;
  if (event.key.startsWith("Arrow") && !rows().length) return;
  const page = /^[1-6]$/.test(event.key) ? all("nav[aria-label=Pages] a")[Number(event.key) - 1] : null;
  const run = page ? () => page.click() : KEYS[event.key];
  if (!run) return;
  event.preventDefault();
  run();
});

anchor();
one("#keys-on").checked = localStorage.getItem("keys") !== "off";
const screen = one("#screen");
if (screen) screen.scrollTop = screen.scrollHeight;
if (location.hash === "#back") {
  const kept = JSON.parse(sessionStorage.getItem(location.pathname) || "null");
  const row = kept && document.getElementById(kept.row);
  if (row) stand(row);
  history.replaceState(null, "", location.pathname + location.search);
}
