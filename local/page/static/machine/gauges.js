/** Figures beside the way, of the last minute. docs/page.md says where each comes from. */
import { h } from "../dom.js";
import { duration, number, put, rate } from "./words.js";

/** By name: its label, what it says of the frame, and a word more. */
const GAUGES = {
  answer: ["Answer time, p50 / p99", answerTime, () => ""],
  frozen: ["Frozen chats", ({ frozen }) => number(frozen), () => "now"],
  limited: ["Limits hit", minute("UpdatesLimited"), inAll("UpdatesLimited")],
  waits: ["Held for limit or freeze", minute("UpdatesWaiting"), inAll("UpdatesWaiting")],
  failed: ["Failed attempts", minute("AttemptsFailed"), inAll("AttemptsFailed")],
  notices: ["“Too fast”, apologies", minute("NoticesSent"), inAll("NoticesSent")],
  calls: ["Calls of the bot", perSecond("calls"), inTotal("calls")],
  refused: ["Answered 429", perSecond("limited"), inTotal("limited")],
  undelivered: ["Failed deliveries", perSecond("refused"), inTotal("refused")],
  cache: ["From the cache", cache, () => "reads"],
  cold: ["Cold starts", minute("ColdStarts"), inAll("ColdStarts")],
};
const QUEUES = ["updates", "tasks", "dead"];

let parts;
let queues;

export function showGauges(place, known) {
  parts ??= build(place);
  for (const [name, [, value, note]] of Object.entries(GAUGES)) {
    put(parts[name].value, value(known));
    put(parts[name].note, note(known));
  }
}

export function showQueues(place, seen) {
  parts ??= build(place);
  const words = seen && QUEUES.map((name) => `${name}.fifo ${number(seen[name].waiting)} + ${number(seen[name].in_hand)}`);
  put(queues, words ? `Waiting + in hand, by SQS: ${words.join(" · ")}` : "SQS says nothing yet.");
}

function build(place) {
  const built = {};
  const rows = Object.entries(GAUGES).map(([name, [label]]) => {
    built[name] = { value: h("dd", { class: "gauge-value" }), note: h("dd", { class: "gauge-note" }) };
    return h("div", { class: "gauge" }, h("dt", {}, label), built[name].value, built[name].note);
  });
  queues = h("p", { class: "queues" });
  place.append(h("h3", {}, "The last minute"), h("dl", { class: "gauges" }, rows), queues);
  return built;
}

function minute(metric) {
  return (known) => number(known.minute[metric]);
}

function inAll(metric) {
  return ({ counted }) => `${number(counted[metric])} in all`;
}

function perSecond(flow) {
  return ({ rates }) => rate(rates[flow]) || "0/s";
}

function inTotal(flow) {
  return ({ totals }) => `${number(totals[flow])} in all`;
}

function answerTime({ answer_ms: ms }) {
  return ms ? both(duration(ms.p50), duration(ms.p99)) : "none yet";
}

function cache({ minute: { CacheHits: hits, CacheMisses: misses } }) {
  return `${number(hits)} of ${number(hits + misses)}`;
}

/** Two times of one unit have it once. */
function both(one, other) {
  const [value, unit] = one.split(" ");
  return `${other.endsWith(` ${unit}`) ? value : one} / ${other}`;
}
