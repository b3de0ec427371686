// From ink to digits with their probabilities: the pieces, the 28x28 of each, and what the network says of it.

import { normalize } from "./ink.mjs";
import { cut, cuts, segment } from "./segment.mjs";

/** Below this probability a digit is said to be unsure. */
const UNSURE = 0.8;
/** How many pictures' answers are kept. */
const KNOWN = 100;

/**
 * Return what reads ink with a network that `tenfold export --to js` wrote.
 *
 * @param {{classify: function, classes: string[]}} model
 */
export function recognizer(model) {
  const digit = (name) => /^[0-9]$/.test(name);
  const known = new Map();

  function look(part) {
    // While one digit is written the others stay as they are: they need not be classified again.
    const key = `${part.gray.width},${part.gray.values}`;
    let found = known.get(key);
    if (!found) {
      const image = normalize(part.gray);
      const { label, name, confidence, probabilities } = model.classify(image);
      const state = !digit(name) ? "none" : confidence < UNSURE ? "unsure" : "sure";
      found = { image, label, name, confidence, probabilities, state };
      if (known.size >= KNOWN) known.delete(known.keys().next().value);
      known.set(key, found);
    }
    return { ...part, ...found };
  }

  /** Read a piece as two digits where that is likelier than one. */
  function apart(part) {
    const whole = look(part);
    const wide = (part.right - part.left) / (part.bottom - part.top);
    if (whole.state === "sure" ? wide < 1.3 : wide < 0.75) return [whole];
    let best = [whole], most = whole.state === "none" ? 0.5 : Math.max(0.7, whole.confidence);
    for (const column of cuts(part)) {
      const pair = cut(part, column).map(look);
      const least = Math.min(...pair.map((each) => (each.state === "none" ? 0 : each.confidence)));
      if (least > most) { best = pair; most = least; }
    }
    return best.length === 1 ? best : best.flatMap(apart);
  }

  return {
    classes: model.classes,
    /**
     * @param {{values: ArrayLike<number>, width: number, height: number}} ink
     * @param {boolean} patient whether to look for digits that touch, which takes longer
     */
    read(ink, patient) {
      return segment(ink).flatMap(patient ? apart : (part) => [look(part)]);
    },
  };
}
