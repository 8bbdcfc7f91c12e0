/**
 * Says whether what is seen is of now: in the corner, and above each part once the stream is lost, for what stands there
 * is then of before. `body[data-connection]` greys it (page.css). Trouble of the bridge keeps the corner from being green.
 */
import { clock, put } from "./machine/words.js";

const corner = document.getElementById("connection");
let isOn = false;
let trouble = "";

export function connected() {
  isOn = true;
  show();
}

export function lost() {
  if (isOn) {
    const at = clock(Date.now() / 1000);
    for (const one of document.querySelectorAll(".lost-at")) put(one, ` This is how it was at ${at}.`);
  }
  isOn = false;
  show();
}

/** What keeps people from being answered though the page is live, in a few words; nothing if nothing does. */
export function troubled(words) {
  trouble = words;
  if (isOn) show();
}

function show() {
  const state = !isOn ? "off" : trouble ? "trouble" : "on";
  document.body.dataset.connection = state;
  corner.dataset.state = state;
  put(corner, isOn ? trouble || "Live" : "No connection. Is `make run` still running? Trying again …");
}
