// The page: what is drawn is read while it is drawn; pictures go to the service, where there is one.

import { Board } from "./board.mjs";
import { LabeledSet } from "./labels.mjs";
import { bars, chip, corrections, element, shown, spoken, thumbnail } from "./panel.mjs";
import { recognizer } from "./recognize.mjs";
import { service } from "./settings.mjs";
import { uploads } from "./upload.mjs";

const byId = (id) => document.getElementById(id);
const PATIENCE = 350;

const set = new LabeledSet();
const board = new Board(byId("board"));
let digits = [], chosen = 0, waiting = 0, pending = false, speaking = 0;

const { read, classes } = await network();

board.addEventListener("change", ({ detail }) => {
  byId("undo").disabled = byId("clear").disabled = board.empty;
  byId("board-hint").hidden = !board.empty;
  clearTimeout(waiting);
  if (!pending) {
    pending = true;
    requestAnimationFrame(() => { pending = false; look(false); });
  }
  // Digits that touch are looked for once the pen has rested.
  if (detail.finished && !board.empty) waiting = setTimeout(() => look(true), PATIENCE);
});
byId("undo").addEventListener("click", () => board.undo());
byId("clear").addEventListener("click", () => { board.clear(); byId("board").focus({ preventScroll: true }); });
set.addEventListener("clear", detail);
byId("pen").addEventListener("input", ({ target }) => { board.pen = Number(target.value); });

if (service) {
  for (const part of document.querySelectorAll(".served")) part.hidden = false;
  byId("pictures").hidden = false;
  uploads(service, set);
}
document.documentElement.dataset.ready = "true";

/** Load the network, or say that there is none. */
async function network() {
  try {
    const model = await import("./model.mjs");
    const { network: name, parameters } = model.metadata;
    byId("about").textContent = `Network: ${name}, ${Number(parameters).toLocaleString("en")} weights.`;
    return { ...recognizer(model), classes: model.classes };
  } catch {
    byId("failure").textContent = "The network could not be loaded, so nothing that is drawn can be read.";
    byId("failure").hidden = false;
    return { read: () => [], classes: [] };
  }
}

function look(patient) {
  const before = digits.length;
  digits = board.empty ? [] : read(board.ink(), patient);
  // A digit that is being written is the one to look at.
  if (digits.length !== before) chosen = digits.length - 1;
  chosen = Math.min(Math.max(chosen, 0), Math.max(digits.length - 1, 0));
  show();
}

function show() {
  const text = digits.map(shown).join("");
  byId("reading").textContent = text;
  byId("state").textContent = summary(text);
  clearTimeout(speaking);
  // Said once the pen rests: a screen reader that hears of every stroke says nothing in the end.
  speaking = setTimeout(() => { byId("summary").textContent = summary(text); }, PATIENCE);
  byId("strip").replaceChildren(...digits.map((digit, i) => chip(digit, i === chosen, () => choose(i))));
  detail();
}

function summary(text) {
  if (board.empty) return "Nothing is written yet.";
  if (!digits.length) return "No digit yet.";
  if (digits.length === 1) return `Read: ${spoken(digits[0])}.`;
  const doubts = digits.filter(({ state }) => state !== "sure").length;
  return `Read: ${text}. ${digits.length} digits${doubts ? `, ${doubts} of them in doubt` : ""}.`;
}

function choose(place) {
  chosen = place;
  show();
  byId("strip").children[place]?.querySelector("button").focus({ preventScroll: true });
}

function detail() {
  const digit = digits[chosen];
  byId("detail").hidden = !digit;
  if (!digit) return;
  byId("detail").replaceChildren(
    element(
      "div", { class: "stages" },
      element("figure", {}, thumbnail(digit.image, "28 by 28 pixels"), element("figcaption", {}, "As the network sees it")),
    ),
    bars(classes, digit.probabilities),
    // Every stroke has all digits read anew: what was said of one is known by its picture.
    corrections(set.labelOf(digit.image), (label) => {
      set.add(digit.image, label, digit.state === "none" ? "none" : digit.name);
    }),
  );
}
