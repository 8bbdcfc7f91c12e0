/**
 * The last updates one by one, the newest first. While one reads, by pointer or keyboard, no row comes or goes, until
 * another run begins, whose updates are others under the same numbers.
 */
import { h } from "../dom.js";
import { toggleLines } from "./lines.js";
import { clock, duration, put } from "./words.js";

const SHOWN = 100;
const STATIONS = {
  telegram: ["◌", "at Telegram", ""], waiting: ["…", "waiting", ""], work: ["▶", "in work", ""],
  back: ["↩", "put back", "warn"], answered: ["✓", "answered", "good"], dropped: ["–", "dropped", "warn"],
  dead: ["✕", "dead", "bad"], lost: ["?", "out of sight", ""],
};
/** By their reason, what was dropped is said in a word. */
const REASONS = { user_limit: "limited", chat_limit: "limited", stale: "stale", duplicate: "a copy" };

const rows = new Map(); // number -> { row, item, … }
const held = new Map(); // rows that have come meanwhile
let parts;
let ofRun;

export function showUpdates(place, changed, isAll, run) {
  parts ??= build(place);
  if (run !== ofRun) forget();
  ofRun = run;
  const isHeld = heldUntil() !== "";
  if (isAll && !isHeld) {
    const numbers = new Set(changed.map(({ n }) => n));
    for (const number of [...rows.keys()]) if (!numbers.has(number)) remove(number);
  }
  for (const row of [...changed].sort((one, other) => one.n - other.n)) {
    if (rows.has(row.n)) fill(rows.get(row.n), row);
    else if (isHeld || held.has(row.n)) held.set(row.n, row); // what is held is shown once, by `release`
    else insert(row);
  }
  for (const number of held.keys()) if (held.size > SHOWN) held.delete(number);
  release();
}

function build(place) {
  const list = h("ol", { class: "updates", reversed: true });
  const pause = h("button", { type: "button", class: "button updates-pause", "aria-pressed": "false", onclick: () => {
    pause.setAttribute("aria-pressed", pause.getAttribute("aria-pressed") === "true" ? "false" : "true");
    release();
  } }, "Pause");
  const said = h("p", { class: "updates-said" });
  const empty = h("p", {}, "None yet: say something to the bot, and its way stands here.");
  for (const event of ["pointerleave", "focusout"]) list.addEventListener(event, () => setTimeout(release));
  place.append(h("div", { class: "updates-head" }, h("h3", {}, "The last updates"), said, pause), empty, list);
  return { list, pause, said, empty };
}

function forget() {
  if (parts.list.contains(document.activeElement)) parts.pause.focus();
  for (const number of [...rows.keys()]) remove(number);
  held.clear();
}

/** Why no row may come or go, as what ends it; nothing if they may. */
function heldUntil() {
  const { list, pause } = parts;
  const hasKeyboard = list.contains(document.activeElement) && document.activeElement.matches(":focus-visible");
  if (pause.getAttribute("aria-pressed") === "true") return "you press Pause again";
  if (list.querySelector("[aria-expanded=true]")) return "no update is open";
  return list.matches(":hover") || hasKeyboard ? "you leave the list" : "";
}

function release() {
  if (heldUntil()) return settle();
  for (const row of [...held.values()].sort((one, other) => one.n - other.n)) insert(row);
  held.clear();
  settle();
}

function settle() {
  const until = heldUntil();
  if (!until) for (const number of [...rows.keys()].sort((one, other) => other - one).slice(SHOWN)) remove(number);
  parts.empty.hidden = rows.size > 0;
  const count = held.size === SHOWN ? "100 and more" : held.size;
  put(parts.said, held.size ? `${count} new, shown once ${until}` : "");
}

function insert(row) {
  const badge = h("span", { class: "badge" });
  const who = h("span", { class: "update-who" });
  const times = h("span", { class: "update-times" });
  const at = h("time", { class: "update-at" });
  const lines = h("div", { class: "update-lines", hidden: true });
  const button = h("button", { type: "button", class: "update", "aria-expanded": "false" }, at, badge, who, times);
  const item = h("li", {}, button, lines);
  const entry = { item, button, badge, who, times, at, lines };
  button.addEventListener("click", () => { toggleLines(button, lines, entry.row); release(); });
  rows.set(row.n, entry);
  fill(entry, row);
  item.dataset.n = row.n;
  const before = [...parts.list.children].find((other) => Number(other.dataset.n) < row.n);
  parts.list.insertBefore(item, before ?? null);
}

function remove(number) {
  rows.get(number).item.remove();
  rows.delete(number);
}

function fill(entry, row) {
  const [icon, word, tone] = STATIONS[row.station];
  entry.row = row;
  entry.item.dataset.station = row.station;
  entry.badge.className = `badge ${tone}`;
  put(entry.at, clock(row.at));
  put(entry.badge, `${icon} ${(row.station === "dropped" && (REASONS[row.reason] ?? row.reason)) || word}`);
  put(entry.who, [row.who, row.text ? `“${row.text}”` : row.type].filter(Boolean).join(": "));
  put(entry.times, way(row));
}

function way(row) {
  return [
    row.accepted_ms != null && `accepted after ${duration(row.accepted_ms)}`,
    row.waited_ms != null && `waited ${duration(row.waited_ms)}`,
    row.worked_ms != null && `in work ${duration(row.worked_ms)}`,
    row.tries > 1 && `${row.tries} tries`,
    row.refusals && `${row.refusals} failed ${row.refusals === 1 ? "delivery" : "deliveries"}`,
    row.refusal,
    row.station === "back" && row.reason,
    row.next_at != null && `next try at ${clock(row.next_at)}`,
    row.held && "waits for its chat: an earlier one, a limit or a freeze",
    row.reference,
  ].filter(Boolean).join(" · ");
}
