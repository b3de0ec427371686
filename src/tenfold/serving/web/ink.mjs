// From a picture of one digit to the network's 28x28: what data/normalize.py does, step by step.
//
// Python is the definition; the tests hold this against it. Where NumPy computes in float32, `fround` does here.

export const SIZE = 28;
const BOX = 20, CENTER = 14, CONTRAST = 24;
const { fround } = Math;

/** A picture: `values` row by row. */
const picture = (values, width, height) => ({ values, width, height });

/**
 * Bring gray levels of one digit to MNIST's form.
 *
 * @param {{values: ArrayLike<number>, width: number, height: number}} gray levels from 0 to 255
 * @returns {Uint8Array} 784 values, ink 255 on paper 0; all 0 where the picture is blank
 */
export function normalize(gray) {
  if (isNormalized(gray)) return Uint8Array.from(gray.values);
  return center(fit(crop(findInk(gray))));
}

/** Say whether gray levels have MNIST's form already. */
export function isNormalized({ values, width, height }) {
  if (width !== SIZE || height !== SIZE || Math.max(...values) < 200) return false;
  const edge = edgeOf(values, width, height);
  if (edge.filter((value) => value > 0).length > edge.length / 10) return false;
  const [row, column] = centerOfMass({ values, width, height });
  return Math.abs(row - CENTER) <= 1.5 && Math.abs(column - CENTER) <= 1.5;
}

/** Tell ink from paper: ink from 0 to 255, all 0 where the picture is blank. */
export function findInk({ values: gray, width, height }) {
  const count = width * height;
  let ink = Float32Array.from(gray);
  ink = minus(ink, plane(ink, new Uint8Array(count).fill(1), width, height));
  const level = fround(threshold(ink));
  const edge = edgeOf(ink, width, height);
  const light = edge.filter((value) => value > level).length / edge.length;
  if (light >= 0.75 || (light > 0.25 && lightPaper(ink, level, width, height))) {
    ink = ink.map((value) => -value);
  }
  const first = fround(threshold(ink));
  let paper = Uint8Array.from(ink, (value) => value <= first);
  // No grain parts what lies so far apart: what looks like it are the soft edges of ink all over the picture.
  const apart = meanOf(ink, paper, 0) - meanOf(ink, paper, 1);
  const most = apart >= 4 * CONTRAST ? apart / 2 : Infinity;
  let grain = 0;
  for (let round = 0; round < 3; round++) {
    ink = minus(ink, plane(ink, paper, width, height));
    let squares = 0, below = 0;
    for (let i = 0; i < count; i++) if (paper[i] && ink[i] < 0) { squares += ink[i] ** 2; below++; }
    grain = below ? Math.sqrt(squares / below) : 0;
    const limit = fround(Math.min(Math.max(5 * grain, CONTRAST), most));
    paper = Uint8Array.from(ink, (value) => value <= limit);
  }
  if (!hangsTogether(paper, width, height)) return picture(new Float32Array(count), width, height);
  const top = percentile(ink.filter((value, i) => !paper[i]), 0.75);
  const low = Math.min(Math.max(4 * grain, 0.1 * top), 0.5 * top);
  const start = fround(low), factor = fround(255 / (top - low));
  return picture(ink.map((value) => clip(fround(fround(value - start) * factor))), width, height);
}

/** The level that parts values into the two groups furthest apart (N. Otsu, 1979), of 256 steps. */
export function threshold(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
  if (low === high) return high;
  const edges = Float32Array.from({ length: 257 }, (_, i) => (i === 256 ? high : low + (i * (high - low)) / 256));
  const counts = new Float64Array(256);
  for (const value of values) {
    let bin = Math.min(255, Math.floor(((value - low) / (high - low)) * 256));
    if (value < edges[bin]) bin--;
    else if (bin < 255 && value >= edges[bin + 1]) bin++;
    counts[bin]++;
  }
  const below = new Float64Array(256), sums = new Float64Array(256);
  for (let i = 0, number = 0, sum = 0; i < 256; i++) {
    number += counts[i];
    sum += counts[i] * fround(fround(edges[i] + edges[i + 1]) / 2);
    below[i] = number;
    sums[i] = sum;
  }
  const spread = below.map((number, i) => {
    const above = below[255] - number;
    const found = number * above * (sums[i] / number - (sums[255] - sums[i]) / above) ** 2;
    return Number.isFinite(found) ? found : 0;
  });
  const best = Math.max(...spread) * (1 - 1e-9);
  let sum = 0, number = 0;
  spread.forEach((value, i) => { if (value >= best) { sum += edges[i + 1]; number++; } });
  return sum / number;
}

/** The smallest part that holds all pixels of at least a quarter of full ink; maybe empty. */
export function crop({ values, width, height }) {
  let top = height, bottom = -1, left = width, right = -1;
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) {
      if (values[at] < 64) continue;
      top = Math.min(top, row);
      bottom = row;
      left = Math.min(left, column);
      right = Math.max(right, column);
    }
  }
  if (bottom < 0) return picture(new Float32Array(0), 0, 0);
  const wide = right - left + 1, high = bottom - top + 1, part = new Float32Array(wide * high);
  for (let row = 0; row < high; row++) {
    for (let column = 0; column < wide; column++) {
      part[row * wide + column] = values[(top + row) * width + left + column];
    }
  }
  return picture(part, wide, high);
}

/** Scale ink into a box with its aspect kept; pixels are averaged by area, then ink is brought back to 255. */
export function fit(ink, box = BOX) {
  if (!ink.values.length) return ink;
  const scale = box / Math.max(ink.width, ink.height);
  const width = Math.max(1, roundEven(ink.width * scale)), height = Math.max(1, roundEven(ink.height * scale));
  const scaled = resize(ink, width, height, scale < 1);
  const least = fround(0.3 * scaled.values.reduce((most, value) => Math.max(most, value), 0));
  const factor = fround(255 / percentile(scaled.values.filter((value) => value > least), 0.7));
  return picture(scaled.values.map((value) => clip(fround(value * factor))), width, height);
}

/** Put ink on 28x28 with its center of mass at the center, by whole pixels, nothing cut off. */
export function center(ink) {
  const image = new Uint8Array(SIZE * SIZE);
  if (!ink.values.length) return image;
  const [row, column] = centerOfMass(ink);
  const top = Math.min(Math.max(roundEven(CENTER - row), 0), SIZE - ink.height);
  const left = Math.min(Math.max(roundEven(CENTER - column), 0), SIZE - ink.width);
  for (let y = 0; y < ink.height; y++) {
    for (let x = 0; x < ink.width; x++) {
      image[(top + y) * SIZE + left + x] = roundEven(ink.values[y * ink.width + x]);
    }
  }
  return image;
}

function centerOfMass({ values, width, height }) {
  let total = 0, rows = 0, columns = 0;
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) {
      total += values[at];
      rows += values[at] * row;
      columns += values[at] * column;
    }
  }
  return [rows / (total || 1), columns / (total || 1)];
}

/** Resize as Pillow does: by area where it shrinks, linearly where it grows; columns first, then rows. */
function resize({ values, width, height }, wide, high, shrinks) {
  const across = weights(width, wide, shrinks), down = weights(height, high, shrinks);
  const between = new Float32Array(wide * height), result = new Float32Array(wide * high);
  for (let row = 0; row < height; row++) {
    across.forEach(({ start, parts }, column) => {
      let sum = 0;
      for (let i = 0; i < parts.length; i++) sum += values[row * width + start + i] * parts[i];
      between[row * wide + column] = sum;
    });
  }
  down.forEach(({ start, parts }, row) => {
    for (let column = 0; column < wide; column++) {
      let sum = 0;
      for (let i = 0; i < parts.length; i++) sum += between[(start + i) * wide + column] * parts[i];
      result[row * wide + column] = sum;
    }
  });
  return picture(result, wide, high);
}

/** For each new pixel: where the old ones begin that make it, and the part of each. */
function weights(from, to, shrinks) {
  const filter = shrinks
    ? (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)
    : (x) => Math.max(0, 1 - Math.abs(x));
  const scale = from / to, stretch = Math.max(scale, 1), support = (shrinks ? 0.5 : 1) * stretch;
  return Array.from({ length: to }, (_, place) => {
    const middle = (place + 0.5) * scale;
    const start = Math.max(0, Math.trunc(middle - support + 0.5));
    const end = Math.min(from, Math.trunc(middle + support + 0.5));
    const parts = [];
    for (let i = start; i < end; i++) parts.push(filter((i - middle + 0.5) / stretch));
    const sum = parts.reduce((total, part) => total + part, 0);
    return { start, parts: sum ? parts.map((part) => part / sum) : parts };
  });
}

/** The plane that fits values best (least squares) where `mask` is not 0. */
function plane(values, mask, width, height) {
  const rows = linear(height), columns = linear(width);
  let chosen = [];
  for (let i = 0; i < mask.length; i++) if (mask[i]) chosen.push(i);
  const step = Math.max(1, Math.floor(chosen.length / 4096));
  const stride = step + (step > 1 && width % step === 0 ? 1 : 0);
  chosen = chosen.filter((_, i) => i % stride === 0);
  // The normal equations of three unknowns: constant, down, right.
  const matrix = [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]];
  for (const i of chosen) {
    const terms = [1, rows[Math.floor(i / width)], columns[i % width]];
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) matrix[a][b] += terms[a] * terms[b];
      matrix[a][3] += terms[a] * values[i];
    }
  }
  const [constant, down, right] = solve(matrix);
  const result = new Float32Array(width * height);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      result[at++] = constant + down * rows[row] + right * columns[column];
    }
  }
  return result;
}

/** Solve three equations by elimination; an unknown that they do not settle is 0. */
function solve(matrix) {
  const used = [];
  const scale = Math.abs(matrix[0][0]) || 1;
  for (let column = 0; column < 3; column++) {
    let best = -1;
    for (let row = 0; row < 3; row++) {
      if (used.includes(row)) continue;
      if (best < 0 || Math.abs(matrix[row][column]) > Math.abs(matrix[best][column])) best = row;
    }
    if (best < 0 || Math.abs(matrix[best][column]) < 1e-9 * scale) { used.push(-1); continue; }
    used.push(best);
    for (let row = 0; row < 3; row++) {
      if (row === best) continue;
      const factor = matrix[row][column] / matrix[best][column];
      for (let i = column; i < 4; i++) matrix[row][i] -= factor * matrix[best][i];
    }
  }
  return used.map((row, column) => (row < 0 ? 0 : matrix[row][3] / matrix[row][column]));
}

/** Say whether paper is what lies above `level`, where the edge does not tell: ink may run along it. */
function lightPaper(ink, level, width, height) {
  const above = Uint8Array.from(ink, (value) => value > level);
  const share = above.reduce((sum, value) => sum + value, 0) / above.length;
  if (Math.abs(share - 0.5) > 0.12) return share > 0.5;
  // Strokes hang together and part the paper into pieces.
  const least = 0.01 * above.length;
  const [dark, light] = [0, 1].map((side) => pieces(above, side, width, height).filter((size) => size >= least));
  return light.length === dark.length ? share > 0.5 : light.length > dark.length;
}

/** The sizes of the pieces that hang together, by 8 neighbors, of those pixels that are `side`. */
function pieces(mask, side, width, height) {
  const seen = new Uint8Array(mask.length), sizes = [], stack = [];
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] !== side || seen[start]) continue;
    let size = 0;
    seen[start] = 1;
    stack.push(start);
    while (stack.length) {
      const at = stack.pop(), x = at % width, y = (at - x) / width;
      size++;
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (mask[next] !== side || seen[next]) continue;
          seen[next] = 1;
          stack.push(next);
        }
      }
    }
    sizes.push(size);
  }
  return sizes;
}

/** Say whether most ink pixels have ink beside them: a pen leaves lines, grain leaves specks. */
function hangsTogether(paper, width, height) {
  let ink = 0, beside = 0;
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) {
      if (paper[at]) continue;
      ink++;
      const found = (row > 0 && !paper[at - width]) || (row < height - 1 && !paper[at + width])
        || (column > 0 && !paper[at - 1]) || (column < width - 1 && !paper[at + 1]);
      if (found) beside++;
    }
  }
  return 2 * beside > ink;
}

function edgeOf(values, width, height) {
  const edge = [];
  for (let column = 0; column < width; column++) edge.push(values[column]);
  for (let column = 0; column < width; column++) edge.push(values[(height - 1) * width + column]);
  for (let row = 1; row < height - 1; row++) edge.push(values[row * width]);
  for (let row = 1; row < height - 1; row++) edge.push(values[row * width + width - 1]);
  return edge;
}

/** From -1 to 1 in equal steps. */
function linear(count) {
  return Float32Array.from({ length: count }, (_, i) => (i && i === count - 1 ? 1 : -1 + (2 * i) / (count - 1 || 1)));
}

/** The value below which a part of all values lies; between two, linearly. */
function percentile(values, part) {
  const sorted = Float32Array.from(values).sort();
  const place = part * (sorted.length - 1), below = Math.floor(place);
  const low = sorted[below], high = sorted[Math.min(below + 1, sorted.length - 1)];
  return low + (high - low) * (place - below);
}

/** The mean of the values whose mask is `side`; 0 where there are none. */
function meanOf(values, mask, side) {
  let sum = 0, count = 0;
  values.forEach((value, i) => { if (mask[i] === side) { sum += value; count++; } });
  return count ? sum / count : 0;
}

const minus = (a, b) => a.map((value, i) => value - b[i]);

const clip = (value) => Math.min(255, Math.max(0, value));

/** Round to the nearest whole number; what lies in the middle goes to the even one. */
function roundEven(value) {
  const floor = Math.floor(value), rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
