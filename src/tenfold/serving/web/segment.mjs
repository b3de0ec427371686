// From ink on a board to the digits it is made of, from left to right.

const INK = 64;
/** The part of the tallest digit below which a lone blot is a speck. */
const SPECK = 0.14;

/**
 * Find the digits in ink.
 *
 * Strokes that touch are one piece. Pieces that stand above one another (the roof of a 5, the bar of a 7) are one
 * digit. Specks are left out.
 *
 * @param {{values: ArrayLike<number>, width: number, height: number}} ink from 0 (paper) to 255
 * @returns {{left: number, top: number, right: number, bottom: number, gray: object}[]} with the gray picture of
 *   each digit alone, dark on light, and room around it
 */
export function segment(ink) {
  const { labels, pieces } = piecesOf(ink);
  if (!pieces.length) return [];
  const tallest = Math.max(...pieces.map((piece) => Math.max(height(piece), width(piece) / 2)));
  return group(pieces, tallest)
    .filter((found) => Math.max(height(found), width(found)) >= SPECK * tallest)
    .map((found) => ({ ...box(found), gray: alone(ink, labels, found) }));
}

/**
 * Cut a digit's picture in two at a column.
 *
 * @param {{left: number, gray: object}} digit as `segment` gives it
 * @param {number} column of its picture
 */
export function cut(digit, column) {
  const { values, width: wide, height: high } = digit.gray;
  return [[0, column], [column, wide]].map(([from, to]) => {
    const part = new Uint8Array((to - from + 2 * ROOM) * high).fill(255);
    const span = to - from + 2 * ROOM;
    for (let row = 0; row < high; row++) {
      for (let x = from; x < to; x++) part[row * span + ROOM + x - from] = values[row * wide + x];
    }
    const left = digit.left - ROOM + from;
    return {
      ...digit, left: Math.max(left, digit.left), right: Math.min(left + to - from, digit.right),
      gray: { values: part, width: span, height: high },
    };
  });
}

/** Where two digits that touch may be cut: the columns with the least ink, the best first, and about the middle. */
export function cuts({ gray: { values, width: wide } }, most = 6) {
  const columns = new Float64Array(wide);
  for (let at = 0; at < values.length; at++) columns[at % wide] += 255 - values[at];
  const first = Math.floor(ROOM + (wide - 2 * ROOM) * 0.2), last = Math.ceil(wide - ROOM - (wide - 2 * ROOM) * 0.2);
  const found = [];
  for (let x = first; x <= last; x++) {
    const beside = columns.slice(Math.max(0, x - 3), x + 4);
    if (columns[x] <= Math.min(...beside)) found.push(x);
  }
  // Of a run of equal columns the last one.
  const narrow = found.filter((x, i) => found[i + 1] !== x + 1);
  const best = narrow.sort((a, b) => columns[a] - columns[b]).slice(0, most);
  // Where a stroke of each lies above the other, no column has less ink.
  const middle = [0.42, 0.5, 0.58].map((part) => Math.round(ROOM + (wide - 2 * ROOM) * part));
  return [...new Set([...best, ...middle])];
}

/** Find what hangs together: 8 neighbors, the labels from 1 in a picture of their own. */
function piecesOf({ values, width: wide, height: high }) {
  const labels = new Int32Array(wide * high), pieces = [], stack = [];
  for (let start = 0; start < labels.length; start++) {
    if (values[start] < INK || labels[start]) continue;
    const label = pieces.length + 1;
    const piece = { left: wide, top: high, right: -1, bottom: -1, labels: [label] };
    labels[start] = label;
    stack.push(start);
    while (stack.length) {
      const at = stack.pop(), x = at % wide, y = (at - x) / wide;
      piece.left = Math.min(piece.left, x);
      piece.right = Math.max(piece.right, x + 1);
      piece.top = Math.min(piece.top, y);
      piece.bottom = Math.max(piece.bottom, y + 1);
      for (let ny = Math.max(0, y - 1); ny <= Math.min(high - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(wide - 1, x + 1); nx++) {
          const next = ny * wide + nx;
          if (values[next] < INK || labels[next]) continue;
          labels[next] = label;
          stack.push(next);
        }
      }
    }
    pieces.push(piece);
  }
  return { labels, pieces };
}

/** Put the pieces of one digit together. */
function group(pieces, tallest) {
  const groups = [];
  // The tallest first: small pieces then find the digit that they belong to.
  for (const piece of [...pieces].sort((a, b) => height(b) - height(a))) {
    const home = groups
      .map((each) => ({ each, share: overlap(each, piece) }))
      .filter(({ each, share }) => belongs(each, piece, share, tallest))
      .sort((a, b) => b.share - a.share)[0]?.each;
    if (home) join(home, piece);
    else groups.push({ ...piece, labels: [...piece.labels] });
  }
  return groups.sort((a, b) => a.left + a.right - b.left - b.right);
}

function belongs(home, piece, share, tallest) {
  const gap = Math.max(piece.top - home.bottom, home.top - piece.bottom, 0);
  const aside = Math.max(piece.left - home.right, home.left - piece.right, 0);
  if (share > 0.5) return gap < 0.4 * tallest;
  // A roof or bar that reaches beyond its digit: low, and close to it.
  const low = height(piece) < 0.35 * tallest && width(piece) > 1.2 * height(piece);
  return low && (share > 0.15 || aside < 0.06 * tallest) && gap < 0.15 * tallest;
}

/** The part of the narrower one's columns that both have. */
function overlap(a, b) {
  const shared = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  return Math.max(0, shared) / Math.min(width(a), width(b));
}

function join(home, piece) {
  home.left = Math.min(home.left, piece.left);
  home.right = Math.max(home.right, piece.right);
  home.top = Math.min(home.top, piece.top);
  home.bottom = Math.max(home.bottom, piece.bottom);
  home.labels.push(...piece.labels);
}

/** Pixels of paper around a digit: enough that paper prevails along the edge. */
const ROOM = 8;

/** The gray picture of one digit without its neighbors. */
function alone({ values, width: wide, height: high }, labels, found) {
  const own = new Set(found.labels);
  const across = width(found) + 2 * ROOM, down = height(found) + 2 * ROOM;
  const gray = new Uint8Array(across * down).fill(255);
  for (let row = 0; row < down; row++) {
    for (let column = 0; column < across; column++) {
      const y = found.top - ROOM + row, x = found.left - ROOM + column;
      if (y < 0 || y >= high || x < 0 || x >= wide) continue;
      const at = y * wide + x;
      // The soft edge of a stroke has no label: it is whoever's ink is beside it.
      if (values[at] && (own.has(labels[at]) || (!labels[at] && near(labels, own, x, y, wide, high)))) {
        gray[row * across + column] = 255 - values[at];
      }
    }
  }
  return { values: gray, width: across, height: down };
}

function near(labels, own, x, y, wide, high) {
  for (let ny = Math.max(0, y - 1); ny <= Math.min(high - 1, y + 1); ny++) {
    for (let nx = Math.max(0, x - 1); nx <= Math.min(wide - 1, x + 1); nx++) {
      if (own.has(labels[ny * wide + nx])) return true;
    }
  }
  return false;
}

const width = ({ left, right }) => right - left;
const height = ({ top, bottom }) => bottom - top;
const box = ({ left, top, right, bottom }) => ({ left, top, right, bottom });
