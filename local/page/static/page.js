/** Starts the page: each event of the stream goes to the part that it is named after, at most once a drawn frame. */
import * as levers from "./machine/levers.js";
import * as machine from "./machine/machine.js";
import * as telegram from "./telegram/telegram.js";

const parts = { telegram, machine, levers };
const waiting = [];
const connection = document.getElementById("connection");

function draw() {
  for (const [name, frame] of waiting.splice(0)) parts[name].show(frame);
}

const stream = new EventSource("/page/events");
stream.onopen = () => { connection.textContent = ""; };
// The browser connects again by itself, and then everything comes anew.
stream.onerror = () => { connection.textContent = "No connection: is `make run` still running? Trying again …"; };
for (const name of Object.keys(parts)) {
  stream.addEventListener(name, (event) => {
    if (waiting.push([name, JSON.parse(event.data)]) === 1) requestAnimationFrame(draw);
  });
}
