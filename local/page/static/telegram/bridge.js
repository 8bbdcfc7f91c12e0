/** In place of people: the bridge to the real Telegram, where to write to its bot, and how it goes. */
import { troubled } from "../connection.js";
import { h } from "../dom.js";
import { put } from "../machine/words.js";
import { link } from "./entities.js";

/** By the bridge's state: its sign and tone. Whatever else there may be is trouble. */
const STATES = { polling: ["✓", "good"], waiting: ["…", ""] };
const TROUBLE = ["⚠", "warn"];

const title = h("h3");
const words = h("div", { class: "bridge-words" });
const to = h("p", { class: "bridge-link" });
const sign = h("span", { "aria-hidden": "true" });
const sentence = h("span");
const status = h("p", { class: "bridge-status", role: "status" }, sign, sentence);
const rest = h("p", { class: "muted" },
  "Nobody is made up here, and Telegram does not fail on demand: the levers are those that act on this machine alone. ",
  "Without TOKEN, `make run` has people to be, and a Telegram that fails.");
const lost = h("p", { class: "lost" }, h("b", {}, "⚠ Not live. "), "Is `make run` still running?", h("span", { class: "lost-at" }));
const element = h("div", { class: "bridge" }, h("div", { class: "bridge-card" }, title, words, to, lost, status, rest));

/** Return the part for this frame; it is the same element each time, so that the focus stays where it is. */
export function bridge(frame) {
  const [icon, tone] = STATES[frame.state] ?? (frame.state ? TROUBLE : STATES.waiting);
  put(title, frame.title ?? "This bot talks to the real Telegram");
  const said = [frame.said ?? []].flat().filter((one) => one !== frame.status);
  if (words.textContent !== said.join("")) words.replaceChildren(...said.map((one) => h("p", {}, one)));
  if (to.textContent !== (frame.link?.text ?? "")) {
    const opens = frame.link && link(frame.link.url, frame.link.text);
    opens?.classList.add("button", "primary");
    to.replaceChildren(...(opens ? [opens] : []));
  }
  status.className = `bridge-status ${tone}`;
  put(sign, icon);
  put(sentence, frame.status ?? "");
  status.hidden = !frame.status;
  troubled(tone === "warn" ? "The bridge is in trouble" : "");
  return element;
}
