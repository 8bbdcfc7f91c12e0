/** Starts the page: each event of the stream goes to the part that it is named after, at most once a drawn frame. */
import { connected, lost } from "./connection.js";
import * as handlers from "./machine/handlers.js";
import * as levers from "./machine/levers.js";
import * as machine from "./machine/machine.js";
import * as telegram from "./telegram/telegram.js";

const parts = { telegram, machine, levers, handlers };
const waiting = [];
const MOST_WAITING = 50;
const RETRY_MS = 2000;

function draw() {
  for (const [name, frame] of waiting.splice(0)) {
    try {
      parts[name].show(frame);
    } catch (error) {
      console.error(error); // one part that fails must not keep the others from showing
    }
  }
}

/** Frames of a hidden page are not drawn by the browser, so they are taken in by time. */
function soon() {
  if (document.hidden) setTimeout(draw, 200);
  else requestAnimationFrame(draw);
}

function take(name, event) {
  const count = waiting.push([name, JSON.parse(event.data)]);
  if (count === 1) soon();
  else if (count > MOST_WAITING) draw();
}

/** The browser connects again by itself, unless it was answered with an error; then everything comes anew. */
function connect() {
  const stream = new EventSource("/page/events");
  stream.onopen = connected;
  stream.onerror = () => {
    lost();
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  };
  for (const name of Object.keys(parts)) stream.addEventListener(name, (event) => take(name, event));
}

document.addEventListener("visibilitychange", draw);
connect();

/** On a narrow page one part is seen at a time. */
const buttons = [...document.querySelectorAll("#parts button")];
for (const button of buttons) {
  button.addEventListener("click", () => {
    document.body.dataset.part = button.dataset.part;
    for (const other of buttons) {
      if (other === button) other.setAttribute("aria-current", "true");
      else other.removeAttribute("aria-current");
    }
    window.scrollTo(0, 0);
  });
}

/** A link may name a part, as an alert's does; on a narrow page that is the one to be seen. */
function follow() {
  const named = buttons.find((button) => `#${button.dataset.part}` === location.hash);
  if (named?.checkVisibility()) named.click();
}
addEventListener("hashchange", follow);
follow();
