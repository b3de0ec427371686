// The set of digits that somebody labeled: kept in the page, downloaded for training.

import { element, pixels, thumbnail } from "./panel.mjs";
import { zip } from "./zip.mjs";

const key = (image) => Array.from(image).join();

/** What is labeled, each picture once. Events: "clear" once everything is forgotten. */
export class LabeledSet extends EventTarget {
  #items = new Map();
  #byId = (id) => document.getElementById(id);

  constructor() {
    super();
    this.#byId("set-csv").addEventListener("click", () => save("digits.csv", "text/csv", this.csv()));
    this.#byId("set-zip").addEventListener("click", async () => {
      save("digits.zip", "application/zip", zip(await this.files()));
    });
    this.#byId("set-clear").addEventListener("click", () => {
      this.#items.clear();
      this.#show();
      this.dispatchEvent(new Event("clear"));
    });
  }

  /** What a picture was said to show; undefined where nothing was said. */
  labelOf(image) { return this.#items.get(key(image))?.label; }

  /**
   * Say what a picture shows.
   *
   * @param {ArrayLike<number>} image 28x28
   * @param {string} label a digit, or "none"
   * @param {string} read what it was read as
   */
  add(image, label, read) {
    this.#items.set(key(image), { image: Uint8Array.from(image), label, read });
    this.#show();
  }

  /** A table in Kaggle's layout: label and 784 pixels; what is no digit has no place in it. */
  csv() {
    const head = ["label", ...Array.from({ length: 784 }, (_, i) => `pixel${i}`)].join();
    const rows = this.#digits().map(({ image, label }) => [label, ...image].join());
    return [head, ...rows, ""].join("\n");
  }

  /** A folder for each label, with a picture for each digit. */
  async files() {
    const found = [];
    for (const { image, label } of this.#items.values()) {
      const number = String(found.length + 1).padStart(4, "0");
      found.push({ name: `digits/${label}/${number}.png`, bytes: await png(image) });
    }
    return found;
  }

  #digits() { return [...this.#items.values()].filter(({ label }) => label !== "none"); }

  #show() {
    const items = [...this.#items.values()];
    this.#byId("set").hidden = !items.length;
    const corrected = items.filter(({ label, read }) => label !== read).length;
    const others = items.length - this.#digits().length;
    this.#byId("set-sum").textContent = `${items.length} labeled, ${corrected} of them corrected.${
      others ? ` ${others} that ${others === 1 ? "is" : "are"} no digit: in the pictures, not in the CSV.` : ""}`;
    this.#byId("set-strip").replaceChildren(...items.map(({ image, label }) => element(
      "li", { class: "labeled" }, thumbnail(image, ""), element("span", { class: "value" }, label),
    )));
  }
}

/** A picture of 28x28 as a PNG file. */
async function png(image) {
  const canvas = element("canvas", { width: 28, height: 28 });
  canvas.getContext("2d").putImageData(pixels(image), 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  return new Uint8Array(await blob.arrayBuffer());
}

function save(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = element("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
