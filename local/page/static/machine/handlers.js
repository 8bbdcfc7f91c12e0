import { h } from "../dom.js";

const line = document.getElementById("handlers");
const alert = document.getElementById("handlers-error");
let told;

/** Shows whether the saved handlers answer: a line always, and the error with its last lines if they do not. */
export function show({ state, said, error, since }) {
  line.dataset.state = state;
  line.textContent = state === "broken" ? "" : `${said} (${new Date(since * 1000).toLocaleTimeString()})`;
  const now = state === "broken" ? said : "";
  if (now === told) return; // or a screen reader would read it again
  told = now;
  alert.replaceChildren();
  if (now) alert.append(h("p", {}, now), ...(error?.lines.length ? [h("pre", { tabindex: "0" }, error.lines.join("\n"))] : []));
}
