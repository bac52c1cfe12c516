// A pane: lanes over time on a canvas. Only the lanes and the time in sight are drawn, so that the
// length of a run and its number of nodes do not matter.

const AXIS = 18, FAULT = 13, RIGHT = 10;

// Colours of the style sheet, for the canvas.
const theme = {};
function readTheme() {
  const style = getComputedStyle(root);
  const names = ['paper', 'panel', 'ink', 'faint', 'line', 'good', 'doubt', 'bad', 'nemesis', 'edge', 'mark'];
  for (const name of names) theme[name] = style.getPropertyValue(`--${name}`).trim();
  theme.server = style.getPropertyValue('--series-1').trim();
  theme.client = style.getPropertyValue('--series-8').trim();
}

// Prepares a canvas of this size in CSS pixels, sharp on every screen.
function prepare(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext('2d');
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = '12px system-ui, sans-serif';
  context.textBaseline = 'middle';
  return context;
}

// Cuts a text to what fits; nothing if that would be less than three characters.
function fitted(context, text, width) {
  const cut = text.length > 200 ? text.slice(0, 200) : text;
  const full = context.measureText(cut).width;
  if (full <= width) return cut;
  const length = Math.floor(cut.length * width / full) - 1;
  return length < 3 ? '' : `${cut.slice(0, length)}…`;
}

// Round times within a window, about one per `distance` pixels, and how many decimals they need.
function ticks(from, to, width, distance) {
  const target = (to - from) * distance / Math.max(1, width);
  const power = 10 ** Math.floor(Math.log10(target));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((it) => it >= target);
  const digits = Math.max(0, Math.ceil(-Math.log10(step / 1e6) - 1e-9));
  const times = [];
  for (let at = Math.ceil(from / step); at * step <= to; at++) times.push(at * step);
  return { times, digits };
}

class Pane {
  // `lanes` gives the lanes in their order, each with a `name`; `drawItems` draws what is in them.
  constructor(canvas, { view, laneHeight, faults, lanes, drawItems }) {
    Object.assign(this, { canvas, view, laneHeight, lanes, drawItems });
    this.scroller = canvas.closest('.pane');
    this.spacer = canvas.parentElement;
    this.shades = view.model.data.shades;
    this.faults = faults ? [...new Set(this.shades.map((it) => it.label))] : [];
    this.scroller.addEventListener('scroll', () => view.invalidate());
  }

  get head() { return AXIS + this.faults.length * FAULT + 4; }

  // The width of the names.
  get left() { return this.width < 600 ? 62 : 96; }

  get span() { return Math.max(1, this.width - this.left - RIGHT); }

  x(time) {
    const fraction = (time - this.view.from) / (this.view.to - this.view.from);
    // Far outside the window there is nothing to see, and numbers become inexact.
    return this.left + Math.min(20, Math.max(-20, fraction)) * this.span;
  }

  time(x) {
    return this.view.from + (x - this.left) / this.span * (this.view.to - this.view.from);
  }

  // The middle of a lane.
  y(row) { return this.head + (row + 0.5) * this.laneHeight - this.scroller.scrollTop; }

  row(y) { return Math.floor((y + this.scroller.scrollTop - this.head) / this.laneHeight); }

  // Whether a lane is in sight.
  isVisible(row) {
    const y = this.y(row), half = this.laneHeight / 2;
    return y + half > this.head && y - half < this.height;
  }

  scrollTo(row) {
    const y = this.y(row), half = this.laneHeight / 2;
    if (y - half < this.head) this.scroller.scrollTop += y - half - this.head;
    if (y + half > this.height) this.scroller.scrollTop += y + half - this.height;
  }

  draw() {
    this.rows = this.lanes();
    const full = this.head + this.rows.length * this.laneHeight + 4;
    this.spacer.style.height = `${full}px`;
    this.width = this.scroller.clientWidth;
    this.height = Math.min(full, this.scroller.clientHeight);
    const context = prepare(this.canvas, this.width, this.height);
    this.context = context;
    this.drawShades(context);
    this.drawAxis(context);
    context.save();
    context.beginPath();
    context.rect(0, this.head - 2, this.width, this.height);
    context.clip();
    this.drawLanes(context);
    context.beginPath();
    context.rect(this.left - 3, 0, this.span + 6, this.height);
    context.clip();
    this.drawItems(this, context);
    context.restore();
  }

  drawShades(context) {
    const end = this.left + this.span;
    const fill = ({ from, to }, top, height) => {
      const left = Math.max(this.left, this.x(from)), right = Math.min(end, this.x(to));
      if (right >= this.left && left <= end) context.fillRect(left, top, Math.max(1, right - left), height);
    };
    context.fillStyle = theme.nemesis;
    context.globalAlpha = 0.1;
    for (const period of this.view.model.faultPeriods) fill(period, AXIS, this.height);
    context.globalAlpha = 0.55;
    for (const shade of this.shades) {
      const row = this.faults.indexOf(shade.label);
      if (row >= 0) fill(shade, AXIS + row * FAULT + 3, FAULT - 5);
    }
    context.globalAlpha = 1;
    context.textAlign = 'right';
    context.fillStyle = theme.nemesis;
    this.faults.forEach((label, row) => {
      context.fillText(fitted(context, label, this.left - 8), this.left - 6, AXIS + row * FAULT + 7);
    });
  }

  drawAxis(context) {
    const { from, to } = this.view, { times, digits } = ticks(from, to, this.span, this.width < 600 ? 64 : 90);
    context.textAlign = 'center';
    for (const time of times) {
      const x = Math.round(this.x(time)) + 0.5;
      context.fillStyle = theme.line;
      context.fillRect(x - 0.5, AXIS - 3, 1, this.height);
      const text = `${(time / 1e6).toFixed(digits)} s`;
      const half = context.measureText(text).width / 2;
      context.fillStyle = theme.faint;
      if (x - half > this.left - 20 && x + half < this.width) context.fillText(text, x, 8);
    }
  }

  drawLanes(context) {
    context.textAlign = 'right';
    this.rows.forEach(({ name }, row) => {
      if (!this.isVisible(row)) return;
      const y = Math.round(this.y(row));
      context.fillStyle = theme.line;
      context.fillRect(this.left, y, this.span, 1);
      context.fillStyle = theme.ink;
      context.fillText(fitted(context, name, this.left - 8), this.left - 6, y);
    });
  }
}

// Labels of marked items: each is put where it covers no other one, or left out.
class Labels {
  constructor(pane, context) {
    Object.assign(this, { pane, context, taken: [] });
  }

  put(text, x, y) {
    const { pane, context } = this;
    const shown = fitted(context, text, Math.min(260, pane.span - 10));
    const width = context.measureText(shown).width + 8, height = 16;
    const left = Math.max(pane.left, Math.min(x, pane.left + pane.span - width));
    const places = [0, -18, 18, -36, 36].map((shift) => y + shift);
    const top = places.find((top) => top - height / 2 >= pane.head && top + height / 2 <= pane.height
      && !this.taken.some((it) => Math.abs(it.y - top) < height && it.left < left + width && left < it.right));
    if (top === undefined) return;
    this.taken.push({ y: top, left, right: left + width });
    context.fillStyle = theme.paper;
    context.fillRect(left, top - height / 2, width, height);
    context.strokeStyle = theme.mark;
    context.lineWidth = 1;
    context.strokeRect(left, top - height / 2, width, height);
    context.fillStyle = theme.ink;
    context.textAlign = 'left';
    context.fillText(shown, left + 4, top);
  }
}
