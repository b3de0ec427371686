//! head
// $title
// Takes pictures of $picture bytes, row by row, ink 255 on paper 0. Made by $producer.

/** What the network is and what it was made of. */
export const metadata = Object.freeze($metadata);

/** The name of each label. */
export const classes = Object.freeze($classes);

//! tables
// All weights, little-endian, as every browser's machine is.
const data = Uint8Array.from(atob("$data"), (letter) => letter.charCodeAt(0)).buffer;
$tables
const memory = new $element($elements);

//! interface
function compute(pixels, logits) {
$lines
}

/**
 * Return the logits of one picture, not yet divided by the temperature.
 *
 * @param {Uint8Array | Uint8ClampedArray} pixels $pixels values
 * @returns {$array} one for each class$meaning
 */
export function logits(pixels) {
  const bytes = pixels instanceof Uint8Array || pixels instanceof Uint8ClampedArray;
  if (!bytes || pixels.length !== $pixels) {
    throw new RangeError("Expected a Uint8Array of $pixels pixels.");
  }
  const values = new $array($count);
  compute(pixels, values);
  return values;
}

/**
 * Say what is on one picture.
 *
 * @param {Uint8Array | Uint8ClampedArray} pixels $pixels values
 * @returns {{label: number, name: string, confidence: number, probabilities: Float32Array}}
 */
export function classify(pixels) {
  const values = logits(pixels);
  let label = 0;
  for (let i = 1; i < $count; i++) if (values[i] > values[label]) label = i;
  const powers = Array.from(values, (value) => Math.exp((value - values[label]) * $factor));
  const sum = powers.reduce((total, power) => total + power);
  const probabilities = Float32Array.from(powers, (power) => power / sum);
  return { label, name: classes[label], confidence: probabilities[label], probabilities };
}
