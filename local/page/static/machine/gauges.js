/** Figures beside the way, of the last minute. docs/page.md says where each comes from. */
import { h } from "../dom.js";
import { duration, number, put, rate } from "./words.js";

/** By name: its label, what it says of the frame, and a word more. */
const GAUGES = {
  answer: ["Answer time", answerTime, () => "p50 / p99, to the bot’s first word"],
  frozen: ["Frozen chats", ({ frozen }) => number(frozen), () => "told by Telegram to wait, now"],
  limited: ["Limits hit", minute("UpdatesLimited"), inAll("UpdatesLimited")],
  waits: ["Held back", minute("UpdatesWaiting"), inAll("UpdatesWaiting", "for a limit or a freeze")],
  notices: ["“Too fast”, apologies", minute("NoticesSent"), inAll("NoticesSent")],
  cache: ["From the cache", cache, () => "of reads of chats and members"],
  calls: ["Calls of the bot", ({ rates }) => rate(rates.calls) || "0/s", ({ totals }) => `${number(totals.calls)} in all`],
  refused: ["Answered 429", ({ rates }) => rate(rates.limited) || "0/s", ({ totals }) => `${number(totals.limited)} in all`],
  failed: ["Failed attempts", minute("AttemptsFailed"), inAll("AttemptsFailed")],
  undelivered: ["Failed deliveries", ({ rates }) => rate(rates.refused) || "0/s", ({ totals }) => `${number(totals.refused)} in all`],
  cold: ["Cold starts", minute("ColdStarts"), inAll("ColdStarts")],
};
const QUEUES = { updates: "updates.fifo", tasks: "tasks.fifo", dead: "dead.fifo" };

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
  const words = Object.entries(seen ?? {}).map(
    ([name, { waiting, in_hand }]) => `${QUEUES[name]} ${number(waiting)} waiting, ${number(in_hand)} in hand`,
  );
  put(queues, words.length ? `SQS says: ${words.join(" · ")}` : "SQS says nothing yet.");
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

function inAll(metric, word) {
  return ({ counted }) => `${word ? `${word}, ` : ""}${number(counted[metric])} in all`;
}

function answerTime({ answer_ms: ms }) {
  return ms ? both(duration(ms.p50), duration(ms.p99)) : "none yet";
}

function cache({ minute: { CacheHits: hits, CacheMisses: misses } }) {
  return hits + misses ? `${number(hits)} of ${number(hits + misses)}` : "none read";
}

/** Two times of one unit have it once. */
function both(one, other) {
  const [value, unit] = one.split(" ");
  return `${other.endsWith(` ${unit}`) ? value : one} / ${other}`;
}
