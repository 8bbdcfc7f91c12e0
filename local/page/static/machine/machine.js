/** The right half: the way of updates, figures, alarms and the last updates. A frame has only what has changed. */
import { h } from "../dom.js";
import { showAlarms } from "./alarms.js";
import { showGauges, showQueues } from "./gauges.js";
import { showUpdates } from "./updates.js";
import { put } from "./words.js";
import { showWay } from "./way.js";

const section = document.getElementById("machine");
const said = h("p", { class: "machine-said", role: "status" });
const known = {};

section.append(said, ...["way", "gauges", "alarms", "updates"].map((part) => h("div", { id: `machine-${part}` })));
const place = (part) => document.getElementById(`machine-${part}`);

export function show(frame) {
  Object.assign(known, frame);
  const { stack, stations, totals, rates, curves } = known;
  put(said, stack.said);
  said.hidden = !stack.said;
  if ("stations" in frame || "totals" in frame || "rates" in frame || "curves" in frame) {
    showWay(place("way"), { stations, totals, rates, curves });
  }
  if (["minute", "counted", "answer_ms", "frozen", "totals", "rates"].some((name) => name in frame)) {
    showGauges(place("gauges"), known);
  }
  if ("queues" in frame) showQueues(place("gauges"), frame.queues);
  if ("alarms" in frame) showAlarms(place("alarms"), frame.alarms);
  if (frame.rows) showUpdates(place("updates"), frame.rows, frame.kind === "snapshot", known.run);
}
