import { h } from "../dom.js";
import { clock } from "./words.js";

const line = document.getElementById("handlers");
const alert = document.getElementById("handlers-error");
let told;

/** Shows whether the saved handlers answer: a line always, and the error with its last lines if they do not. */
export function show({ state, said, error, since }) {
  line.dataset.state = state;
  const text = state === "broken" ? "" : `${said} (${clock(since)})`;
  if (line.textContent !== text) line.textContent = text;
  const now = state === "broken" ? said : "";
  if (now === told) return; // or a screen reader would read it again
  told = now;
  alert.replaceChildren();
  if (!now) return;
  alert.append(h("p", {}, now));
  if (!error?.lines.length) return;
  const lines = { tabindex: "0", role: "group", "aria-label": "The last lines of the traceback" };
  alert.append(h("pre", lines, error.lines.join("\n")));
}
