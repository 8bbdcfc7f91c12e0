/** What the functions logged of one update, for people; the lines as they are, on demand. */
import { h } from "../dom.js";
import { clock } from "./words.js";

const HEAD = new Set(["timestamp", "level", "message", "trace_id", "message_id", "update_id", "stack", "requestId", "name",
  "location", "service", "taskName", "exception_name"]);

export async function toggleLines(button, place, row) {
  const opens = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(opens));
  place.hidden = !opens;
  if (opens) await load(place, row);
}

async function load(place, row) {
  place.replaceChildren(h("p", {}, "Looking …"));
  let lines;
  try {
    const answer = await fetch(`/page/updates/${row.id}`);
    lines = (await answer.json()).lines;
  } catch {
    place.replaceChildren(h("p", {}, "The page has no connection to its server just now; close this and open it again."));
    return;
  }
  const raw = h("pre", { class: "raw", tabindex: "0", hidden: true }, lines.map(({ text }) => text).join("\n"));
  const asItIs = h("button", { type: "button", class: "button", "aria-pressed": "false", onclick: () => {
    raw.hidden = !raw.hidden;
    asItIs.setAttribute("aria-pressed", String(!raw.hidden));
  } }, "Raw JSON");
  const shown = [
    h("p", {}, `Update ${row.id}, ${row.type}`, row.handler && `, handled by ${row.handler}`, row.outcome && `: ${row.outcome}`, "."),
    row.reference && h("p", {}, "Its reference is ", h("b", {}, row.reference), ": ", h("code", {}, `make trace REF=${row.reference}`), " prints all of it."),
    lines.length ? h("ol", { class: "lines" }, lines.map(line)) : h("p", {}, none(row)),
    lines.length > 0 && h("p", { class: "line-orders" },
      h("button", { type: "button", class: "button", onclick: () => load(place, row) }, "Look again"), " ", asItIs),
    raw,
  ];
  place.replaceChildren(...shown.filter(Boolean));
}

function none(row) {
  const isUnderWay = ["telegram", "waiting", "work", "back"].includes(row.station);
  return isUnderWay ? "No function has logged anything of it yet: a worker's lines come when its batch has ended."
    : "No line of it is kept any more, or none was logged.";
}

function line({ at, function: name, said }) {
  const facts = Object.entries(said).filter(([key, value]) => !HEAD.has(key) && value !== null && value !== "");
  const when = Date.parse(said.timestamp);
  return h("li", { "data-level": said.level ?? "" },
    h("time", {}, clock(Number.isNaN(when) ? at : when / 1000, true)), " ",
    h("b", {}, name), " ", h("span", { class: "line-level" }, said.level ?? ""), " ",
    h("span", {}, String(said.message ?? "")), " ",
    h("span", { class: "line-facts" }, facts.map(([key, value]) => `${key}=${plain(value)}`).join(" ")),
    Array.isArray(said.stack) && said.stack.length > 0 && h("pre", { tabindex: "0" }, said.stack.join("\n")));
}

function plain(value) {
  return typeof value === "string" && !/\s/.test(value) ? value : JSON.stringify(value);
}
