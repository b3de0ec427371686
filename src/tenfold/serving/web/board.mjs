// A board to draw on with mouse, finger, pen or keyboard. It keeps strokes, so that it can undo and grow.

const HEIGHT = 280;
const STEP = 0.03;

/**
 * Make a canvas a drawing board.
 *
 * Strokes are kept in units of the board's height. Events: "change" while something is drawn (its detail tells
 * whether a stroke was finished).
 */
export class Board extends EventTarget {
  #canvas; #context; #strokes = []; #stroke = null; #cursor = null; #pointer = null;
  #hidden = document.createElement("canvas");
  /** The width of the pen, in hundredths of the board's height. */
  pen = 6;

  constructor(canvas) {
    super();
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.#up(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("focus", () => this.#draw());
    canvas.addEventListener("blur", () => { this.#finish(); this.#cursor = null; this.#draw(); });
    new ResizeObserver(() => this.#draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  get empty() { return !this.#strokes.length && !this.#stroke; }

  /** Take the last stroke back. */
  undo() {
    if (this.#stroke) this.#stroke = null;
    else this.#strokes.pop();
    this.#changed(true);
  }

  /** Take everything back. */
  clear() {
    this.#strokes = [];
    this.#stroke = null;
    this.#changed(true);
  }

  /** The ink on the board, from 0 to 255, at a height that does not depend on the screen. */
  ink() {
    const width = Math.max(1, Math.round(HEIGHT * this.#aspect));
    Object.assign(this.#hidden, { width, height: HEIGHT });
    const context = this.#hidden.getContext("2d", { willReadFrequently: true });
    this.#paint(context, HEIGHT, "#000");
    const { data } = context.getImageData(0, 0, width, HEIGHT);
    const values = new Uint8Array(width * HEIGHT);
    for (let i = 0; i < values.length; i++) values[i] = data[4 * i + 3];
    return { values, width, height: HEIGHT };
  }

  get #aspect() { return this.#canvas.clientWidth / (this.#canvas.clientHeight || 1); }

  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.height, (event.clientY - box.top) / box.height];
  }

  #down(event) {
    if (this.#pointer !== null || event.button > 0) return;
    this.#finish();
    this.#pointer = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#cursor = null;
    this.#stroke = { width: this.pen / 100, points: [this.#point(event)] };
    this.#changed(false);
  }

  #move(event) {
    if (event.pointerId !== this.#pointer || !this.#stroke) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.#stroke.points.push(this.#point(each));
    this.#changed(false);
  }

  #up(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = null;
    if (event.type === "pointercancel") { this.#stroke = null; this.#changed(true); return; }
    this.#finish();
  }

  #finish() {
    if (!this.#stroke) return;
    this.#strokes.push(this.#stroke);
    this.#stroke = null;
    this.#changed(true);
  }

  #key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in moves) {
      const size = event.shiftKey ? STEP / 3 : STEP;
      const [x, y] = this.#cursor ?? [this.#aspect / 2, 0.5];
      this.#cursor = [
        Math.min(this.#aspect - 0.02, Math.max(0.02, x + size * moves[event.key][0])),
        Math.min(0.98, Math.max(0.02, y + size * moves[event.key][1])),
      ];
      this.#stroke?.points.push(this.#cursor);
      this.#changed(false);
    } else if (event.key === " " || event.key === "Enter") {
      this.#cursor ??= [this.#aspect / 2, 0.5];
      if (this.#stroke) this.#finish();
      else {
        this.#stroke = { width: this.pen / 100, points: [this.#cursor] };
        this.#changed(false);
      }
    } else if (event.key === "Escape") this.clear();
    else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) this.undo();
    else return;
    event.preventDefault();
  }

  #changed(finished) {
    this.#draw();
    this.dispatchEvent(new CustomEvent("change", { detail: { finished } }));
  }

  #draw() {
    const scale = devicePixelRatio || 1, { clientWidth, clientHeight } = this.#canvas;
    this.#canvas.width = clientWidth * scale;
    this.#canvas.height = clientHeight * scale;
    const colors = getComputedStyle(this.#canvas);
    this.#paint(this.#context, clientHeight * scale, colors.getPropertyValue("--ink"));
    if (!this.#cursor || document.activeElement !== this.#canvas) return;
    const [x, y] = this.#cursor.map((value) => value * clientHeight * scale);
    const radius = Math.max(6, (this.pen / 200) * clientHeight) * scale;
    this.#context.beginPath();
    this.#context.arc(x, y, radius, 0, 2 * Math.PI);
    this.#context.lineWidth = 2 * scale;
    this.#context.strokeStyle = colors.getPropertyValue("--accent");
    this.#context.stroke();
  }

  #paint(context, height, color) {
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = color;
    for (const { width, points } of [...this.#strokes, this.#stroke].filter(Boolean)) {
      const places = points.map(([x, y]) => [x * height, y * height]);
      context.lineWidth = width * height;
      context.beginPath();
      context.moveTo(...places[0]);
      // Curves through the middles between the points: no corners where the hand made none.
      for (let i = 1; i < places.length - 1; i++) {
        const [x, y] = places[i], [nextX, nextY] = places[i + 1];
        context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
      }
      context.lineTo(...places.at(-1));
      context.stroke();
    }
  }
}
