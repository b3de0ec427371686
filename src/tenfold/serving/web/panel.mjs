// Parts of the page: a picture of 28x28, bars of probabilities, a row of digits to choose from.

/** Make an element. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** A picture of 28x28 as the network sees it: ink light on black. */
export function thumbnail(image, label) {
  const named = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  const canvas = element("canvas", { width: 28, height: 28, class: "seen", ...named });
  canvas.getContext("2d").putImageData(pixels(image), 0, 0);
  return canvas;
}

/** The same as pixels of a canvas. */
export function pixels(image) {
  const data = new ImageData(28, 28);
  image.forEach((value, i) => data.data.set([value, value, value, 255], 4 * i));
  return data;
}

/** Bars of probabilities, in the order of the classes. */
export function bars(names, probabilities) {
  const most = Math.max(...probabilities);
  return element("ul", { class: "bars", "aria-label": "Probabilities" }, ...names.map((name, i) => {
    const part = probabilities[i] ?? 0;
    const bar = element("span", { class: "fill" });
    bar.style.width = `${(100 * part).toFixed(2)}%`;
    return element(
      "li", { class: part === most ? "best" : "" },
      element("span", { class: "name" }, name.length > 2 ? "none" : name),
      element("span", { class: "track", "aria-hidden": "true" }, bar),
      element("span", { class: "part" }, percent(part)),
    );
  }));
}

/** A probability as people read it: never 100% of what is not certain, never 0% of what may be. */
export function percent(part) {
  if (part > 0.9999) return "> 99.99%";
  if (part > 0 && part < 0.0001) return "< 0.01%";
  return `${(100 * part).toFixed(part > 0.99 || part < 0.01 ? 2 : 1)}%`;
}

export const STATES = {
  sure: "",
  unsure: "unsure",
  none: "not a digit",
};

/** What a digit is called: its value, or "?" where it is none. */
export const shown = ({ state, name }) => (state === "none" ? "?" : name);

/** What a digit is called aloud. */
export function spoken({ state, name, confidence }) {
  if (state === "none") return "not a digit";
  return `${name}${state === "unsure" ? ", unsure" : ""}, ${percent(confidence)}`;
}

/** A button that stands for a digit in a row of them. */
export function chip(digit, chosen, choose) {
  return element("li", {}, element(
    "button", {
      type: "button", class: `chip ${digit.state}`, "aria-pressed": String(chosen),
      "aria-label": spoken(digit), onclick: choose,
    },
    thumbnail(digit.image, ""),
    element("span", { class: "value" }, shown(digit)),
    element("span", { class: "state" }, STATES[digit.state] || percent(digit.confidence)),
  ));
}

/** Buttons to say what a digit really is; `say` is told a digit, or null for none. */
export function corrections(current, say) {
  const keys = [..."0123456789", "none"].map((choice) => element(
    "button", {
      type: "button", "aria-pressed": String(current === choice),
      "aria-label": choice === "none" ? "It is not a digit" : `It is a ${choice}`,
      // The keys stay where they are, and so does the focus.
      onclick: ({ currentTarget }) => {
        for (const each of keys) each.setAttribute("aria-pressed", String(each === currentTarget));
        say(choice);
      },
    },
    choice === "none" ? "no digit" : choice,
  ));
  return element(
    "div", { class: "corrections", role: "group", "aria-label": "What is it really?" },
    element("p", { class: "help" }, "What is it really?"),
    element("div", { class: "keys" }, ...keys),
  );
}
