#include "shipd/status.hpp"

namespace lokiship::tools {

// Texts of servers go into the page as text, never as HTML.
std::string_view status_page() {
    return R"html(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>shipd</title>
<style>
  :root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; --dim: #888; }
  body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
  h1 { font-size: 1.5rem; margin: 0; }
  h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
  header { display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap; }
  .dim { color: var(--dim); }
  .badge { border-radius: 1rem; padding: .1rem .7rem; color: #fff; background: var(--good); font-size: .85rem; }
  .bad { background: var(--bad); }
  ul.why { color: var(--bad); padding-left: 1.2rem; }
  table { border-collapse: collapse; width: 100%; }
  td, th { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
           overflow-wrap: anywhere; }
  th { font-weight: 500; white-space: nowrap; }
  td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
  .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 0 2.5rem;
             align-items: start; }
</style>
<header>
  <h1>shipd <span id="version" class="dim"></span></h1>
  <span id="state" class="badge">…</span>
  <span id="uptime" class="dim"></span>
</header>
<ul id="why" class="why"></ul>
<main id="lanes"></main>
<p class="dim">Also here: <a href="/metrics">/metrics</a>, <a href="/ready">/ready</a>, <a href="/healthz">/healthz</a>;
  this page as JSON: <code>curl /status</code></p>
<noscript>This page needs JavaScript; without, ask for /status as JSON.</noscript>
<script>
"use strict";
const $ = id => document.getElementById(id);
const element = (name, text, kind) => {
  const out = document.createElement(name);
  if (text !== undefined) out.textContent = text;
  if (kind) out.className = kind;
  return out;
};
const number = n => n.toLocaleString("en");
const bytes = n => n < 1024 ? n + " B" : n < 1048576 ? (n / 1024).toFixed(1) + " KiB" : (n / 1048576).toFixed(1) + " MiB";
const span = s => {
  if (s < 1) return "0 s";
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const at = parts.findIndex(p => s >= p[0]);
  const first = Math.floor(s / parts[at][0]);
  const rest = at < 3 ? Math.floor(s % parts[at][0] / parts[at + 1][0]) : 0;
  return first + " " + parts[at][1] + (rest ? " " + rest + " " + parts[at + 1][1] : "");
};
const ago = (time, now) => time ? span((Date.parse(now) - Date.parse(time)) / 1000) + " ago" : "never";
const table = rows => {
  const out = element("table");
  for (const [name, value, right] of rows) {
    const row = element("tr");
    row.append(element("th", name));
    const cell = element("td", value && value.nodeType ? undefined : value, right ? "n" : "");
    if (value && value.nodeType) cell.append(value);
    row.append(cell);
    out.append(row);
  }
  return out;
};
let before = null;
const rate = (lane, key, now) => {
  const old = before && before.lanes.find(l => l.name === lane.name);
  const seconds = before ? (Date.parse(now.now) - Date.parse(before.now)) / 1000 : 0;
  return old && seconds > 0 && lane.entries[key] >= old.entries[key]
    ? ((lane.entries[key] - old.entries[key]) / seconds).toFixed(1) + "/s" : "";
};
const endpoint = (name, e, now) => {
  const state = element("span", e.up ? (e.last_success ? "up" : "not asked yet") : "down", "badge" + (e.up ? "" : " bad"));
  const rows = [[name, e.url], ["State", state], ["Last success", ago(e.last_success, now)]];
  if (e.failures) rows.push(["Failures in a row", number(e.failures)]);
  if (e.last_error) rows.push(["Last error", e.last_error], ["", ago(e.last_failure, now)]);
  return table(rows);
};
const lane = (l, now) => {
  const out = element("section");
  out.append(element("h2", "Backend " + l.name));
  const endpoints = element("div", undefined, "columns");
  endpoints.append(endpoint("Backend", l.backend, now.now), endpoint("Loki", l.loki, now.now));
  const e = l.entries, figures = element("div", undefined, "columns");
  const count = key => [key[0].toUpperCase() + key.slice(1), number(e[key]) + (rate(l, key, now) ? " · " + rate(l, key, now) : ""), true];
  const entries = ["fetched", "shipped", "duplicate", "rejected"].map(count);
  for (const [reason, n] of Object.entries(e.rejected_by_reason)) entries.push(["· " + reason, number(n), true]);
  entries.push(["Pending", number(e.pending), true]);
  figures.append(table(entries), table([
    ["Lag", span(l.lag_seconds), true],
    ["Newest execution read", ago(l.newest_read, now.now), true],
    ["Pushes", number(e.pushes) + (e.pushes_failed ? ", failed " + number(e.pushes_failed) : ""), true],
    ["Pages", number(e.pages) + (e.pages_failed ? ", failed " + number(e.pages_failed) : ""), true],
    ["Pushes under way", l.pushes_in_flight + " of " + l.push_concurrency, true],
    ["Memory of what waits", bytes(l.memory_bytes), true],
    ["Streams", number(l.streams), true],
    ["Remembered steps", number(l.dedup_keys) + " of " + number(l.dedup_capacity), true],
    ["Redacted", number(e.redacted), true],
  ]));
  out.append(element("p"), endpoints, element("p"), figures);
  return out;
};
const show = s => {
  $("version").textContent = s.version;
  $("uptime").textContent = "up " + span((Date.parse(s.now) - Date.parse(s.started)) / 1000);
  $("state").textContent = s.not_ready.length ? "not shipping" : "shipping";
  $("state").className = "badge" + (s.not_ready.length ? " bad" : "");
  $("why").replaceChildren(...s.not_ready.map(w => element("li", w)));
  $("lanes").replaceChildren(...s.lanes.map(l => lane(l, s)));
  before = s;
};
const look = async () => {
  try {
    const answer = await fetch("/status", {headers: {Accept: "application/json"}});
    show(await answer.json());
  } catch (e) {
    $("state").textContent = "shipd does not answer";
    $("state").className = "badge bad";
  }
  setTimeout(look, 2000);
};
look();
</script>
</html>
)html";
}

} // namespace lokiship::tools
