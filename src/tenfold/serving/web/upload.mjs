// A picture that the service reads: its lines and digits drawn over it, each to be looked at and corrected.

import { bars, chip, corrections, element, percent, thumbnail } from "./panel.mjs";

const byId = (id) => document.getElementById(id);

/**
 * Let people drop, paste, choose or photograph a picture.
 *
 * @param {string} service where it is read
 * @param {import("./labels.mjs").LabeledSet} set what takes corrections
 */
export function uploads(service, set) {
  let running = null;

  async function open(file) {
    running?.abort();
    const mine = (running = new AbortController());
    byId("document").hidden = true;
    say(`Reading ${file.name || "the picture"} …`);
    try {
      const picture = await decoded(file);
      const found = await send(service, file, !picture, mine.signal);
      const pages = await Promise.all(found.pages.map(({ preview }) => preview && loaded(preview)));
      if (mine.signal.aborted) return;
      show(found, found.pages.length === 1 && picture ? [picture] : pages, set, mine.signal);
    } catch (error) {
      if (error.name !== "AbortError") say(error.message, true);
    }
  }

  for (const id of ["file", "photo"]) {
    byId(id).addEventListener("change", ({ target }) => {
      if (target.files.length) open(target.files[0]);
      target.value = "";
    });
  }
  const drop = byId("drop");
  for (const type of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", type === "dragover");
      if (type === "drop" && event.dataTransfer.files.length) open(event.dataTransfer.files[0]);
    });
  }
  document.addEventListener("paste", ({ clipboardData }) => {
    const [file] = clipboardData?.files ?? [];
    if (file) open(file);
  });
}

async function send(service, file, previews, signal) {
  const body = new FormData();
  body.append("images", "true");
  if (previews) body.append("previews", "true");
  body.append("file", file, file.name || "picture");
  let answer;
  try {
    answer = await fetch(service, { method: "POST", body, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The service cannot be reached. Is it still running?");
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(found.detail ?? `The service answered with ${answer.status}.`);
  if (found.error) throw new Error(found.error);
  return found;
}

/** The picture as the browser shows it, or null where it cannot (PDF, TIFF): then the service draws its pages. */
async function decoded(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    return null;
  }
}

/** The small picture of a page that the service sent, or null where it cannot be shown. */
async function loaded(address) {
  const image = new Image();
  image.src = address;
  try {
    await image.decode();
    return await createImageBitmap(image);
  } catch {
    return null;
  }
}

function say(text, failed = false) {
  byId("picture-status").textContent = text;
  byId("picture-status").classList.toggle("failed", failed);
}

/** Show what was found, until `replaced` by another picture. */
function show(found, pictures, set, replaced) {
  found.pages.forEach((page, i) => {
    for (const digit of page.lines.flatMap(({ digits }) => digits)) digit.excerpt = () => excerpt(pictures[i], digit.box, page);
  });
  const lines = found.pages.flatMap((page) => page.lines.map((line) => ({ ...line, page })));
  const read = lines.filter((line) => line.decision !== "reject");
  const text = read.map((line) => line.text).join(", ");
  say(read.length ? `Read: ${text}` : "There are no digits on it.");
  byId("document").hidden = false;
  byId("picture-detail").hidden = true;

  let chosen = null;
  const buttons = new Map();

  function choose(digit) {
    for (const each of [chosen, digit]) {
      for (const button of buttons.get(each) ?? []) button.setAttribute("aria-pressed", String(each === digit));
    }
    chosen = digit;
    detail(digit);
  }

  function detail(digit) {
    const names = [..."0123456789"];
    const known = new Map([
      [digit.value, digit.confidence], ...digit.alternatives.map((one) => [one.value, one.probability]),
    ]);
    const parts = names.map((name) => known.get(Number(name)) ?? 0);
    byId("picture-detail").replaceChildren(
      element(
        "div", { class: "stages" },
        stage("On the page", digit.excerpt()),
        stage("As the network sees it", digit.image && thumbnail(digit.image.flat(), "28 by 28 pixels")),
      ),
      bars(names, parts),
      corrections(digit.label, (label) => {
        digit.label = label;
        if (digit.image) set.add(digit.image.flat(), label, String(digit.value));
        for (const button of buttons.get(digit)) button.classList.add("labeled");
      }),
    );
    byId("picture-detail").hidden = false;
  }

  set.addEventListener("clear", () => {
    for (const [digit, own] of buttons) {
      digit.label = undefined;
      for (const button of own) button.classList.remove("labeled");
    }
    if (chosen) detail(chosen);
  }, { signal: replaced });

  function note(digit, button) {
    if (!buttons.has(digit)) buttons.set(digit, []);
    buttons.get(digit).push(button);
  }

  byId("sheet").replaceChildren(
    ...found.pages.map((page, i) => sheet(page, pictures[i], choose, note)),
  );
  byId("lines").replaceChildren(...lines.map((line) => lineOf(line, choose, note)));
}

const stage = (title, picture) => picture && element("figure", {}, picture, element("figcaption", {}, title));

/** A page with the boxes of its digits over it. */
function sheet(page, picture, choose, note) {
  const canvas = element("canvas", { width: page.width, height: page.height, role: "img", "aria-label": `Page ${page.page}` });
  const context = canvas.getContext("2d");
  if (picture) context.drawImage(picture, 0, 0, page.width, page.height);
  else blank(context, page);
  const over = element("div", { class: "over" });
  for (const line of page.lines) {
    over.append(placed(element("span", { class: `line ${line.decision}`, "aria-hidden": "true" }), line.box, page));
    for (const digit of line.digits) {
      const button = element("button", {
        type: "button", class: `digit ${line.decision}`, "aria-pressed": "false",
        "aria-label": `${digit.value} in ${line.text || "a rejected line"}, ${percent(digit.confidence)}`,
        onclick: () => choose(digit),
      });
      note(digit, button);
      over.append(placed(button, digit.box, page));
    }
  }
  return element("div", { class: "page" }, canvas, over);
}

/** A page that the browser cannot show: what was found on it, where it was found. */
function blank(context, page) {
  context.fillStyle = "#fff";
  context.fillRect(0, 0, page.width, page.height);
  for (const { digits } of page.lines) {
    for (const { box: [left, top, width, height], image } of digits) {
      if (!image) continue;
      const small = document.createElement("canvas");
      small.width = small.height = 28;
      const data = new ImageData(28, 28);
      image.flat().forEach((value, i) => data.data.set([255 - value, 255 - value, 255 - value, 255], 4 * i));
      small.getContext("2d").putImageData(data, 0, 0);
      context.drawImage(small, left, top, width, height);
    }
  }
}

function placed(node, [left, top, width, height], page) {
  Object.assign(node.style, {
    left: `${(100 * left) / page.width}%`, top: `${(100 * top) / page.height}%`,
    width: `${(100 * width) / page.width}%`, height: `${(100 * height) / page.height}%`,
  });
  return node;
}

/** The part of the picture where a digit was found. */
function excerpt(picture, [left, top, width, height], page) {
  if (!picture) return null;
  const side = Math.max(width, height) * 1.4, scale = picture.width / page.width;
  const canvas = element("canvas", { width: 112, height: 112, class: "excerpt", role: "img", "aria-label": "The digit on the page" });
  const x = left + width / 2 - side / 2, y = top + height / 2 - side / 2;
  canvas.getContext("2d").drawImage(picture, scale * x, scale * y, scale * side, scale * side, 0, 0, 112, 112);
  return canvas;
}

function lineOf(line, choose, note) {
  const digits = line.digits.map((digit) => {
    const item = chip(
      {
        image: digit.image?.flat() ?? new Array(784).fill(0), name: String(digit.value), confidence: digit.confidence,
        state: line.decision === "reject" ? "none" : line.decision === "review" ? "unsure" : "sure",
      },
      false, () => choose(digit),
    );
    note(digit, item.firstElementChild);
    return item;
  });
  const why = line.reason ? ` – ${line.reason}` : "";
  return element(
    "li", { class: "line" },
    element("p", { class: "text" },
      element("span", { class: "value" }, line.text || "–"), " ",
      element("span", { class: `badge ${line.decision}` }, `${line.decision}${why}`), " ",
      element("span", { class: "quiet" }, percent(line.confidence))),
    digits.length ? element("ol", { class: "strip", "aria-label": `Digits of ${line.text || "the line"}` }, ...digits) : null,
  );
}
