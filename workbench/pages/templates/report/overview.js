// The overview: the whole run in one strip, with its faults, its lost messages, and the window that
// the panes show, which can be dragged, resized at its edges, or moved by a click.

const EDGE = 6;

class Overview {
  constructor(view) {
    this.view = view;
    this.canvas = $('overview');
    this.background = document.createElement('canvas');
    this.grip = null;
    this.canvas.addEventListener('pointerdown', (event) => this.take(event));
    this.canvas.addEventListener('pointermove', (event) => this.move(event));
    for (const end of ['pointerup', 'pointercancel']) {
      this.canvas.addEventListener(end, () => { this.grip = null; });
    }
  }

  x(time) {
    const { first, last } = this.view.model;
    return (time - first) / (last - first) * this.width;
  }

  time(x) {
    const { first, last } = this.view.model;
    return first + x / this.width * (last - first);
  }

  // Forgets the picture of the whole run, which only depends on the filters and the size.
  reset() { this.width = 0; }

  draw() {
    const width = this.canvas.parentElement.clientWidth, height = 48;
    if (width !== this.width) {
      this.width = width;
      this.drawRun(width, height);
    }
    const context = prepare(this.canvas, width, height);
    context.drawImage(this.background, 0, 0, width, height);
    const left = this.x(this.view.from), right = Math.max(left + 2, this.x(this.view.to));
    context.fillStyle = theme.paper;
    context.globalAlpha = 0.65;
    context.fillRect(0, 0, left, height);
    context.fillRect(right, 0, width - right, height);
    context.globalAlpha = 1;
    context.strokeStyle = theme.ink;
    context.lineWidth = 1.5;
    context.strokeRect(left + 0.5, 1, Math.max(1, right - left - 1), height - 2);
    context.fillStyle = theme.ink;
    for (const x of [left, right]) context.fillRect(x - 2, height / 2 - 7, 4, 14);
  }

  drawRun(width, height) {
    const { model } = this.view, { messages, operations } = model.data;
    const context = prepare(this.background, width, height);
    context.fillStyle = theme.panel;
    context.fillRect(0, 0, width, height);
    context.fillStyle = theme.nemesis;
    context.globalAlpha = 0.15;
    for (const { from, to } of model.faultPeriods) {
      context.fillRect(this.x(from), 0, Math.max(1, this.x(to) - this.x(from)), height);
    }
    context.globalAlpha = 1;
    const counts = new Uint32Array(Math.ceil(width) + 1), lost = new Set();
    const hasMessages = messages.sent.length > 0;
    for (const i of hasMessages ? model.messages.ids : model.operations.ids) {
      const x = Math.floor(this.x(hasMessages ? messages.sent[i] : operations.start[i]));
      counts[x]++;
      if (hasMessages && messages.took[i] === LOST) lost.add(x);
    }
    const most = counts.reduce((most, count) => Math.max(most, count), 1);
    context.fillStyle = theme.server;
    counts.forEach((count, x) => {
      const tall = Math.sqrt(count / most) * (height - 10);
      context.fillRect(x, height - 6 - tall, 1, tall);
    });
    context.fillStyle = theme.bad;
    for (const x of lost) context.fillRect(x - 0.5, height - 5, 2, 5);
  }

  take(event) {
    const x = event.offsetX, left = this.x(this.view.from), right = this.x(this.view.to);
    this.canvas.setPointerCapture(event.pointerId);
    if (Math.abs(x - left) <= EDGE) this.grip = { edge: 'from' };
    else if (Math.abs(x - right) <= EDGE) this.grip = { edge: 'to' };
    else {
      if (x < left || x > right) this.view.center(this.time(x));
      this.grip = { offset: this.time(x) - this.view.from };
    }
  }

  move(event) {
    const x = event.offsetX, { view } = this;
    if (this.grip === null) {
      const isEdge = [view.from, view.to].some((time) => Math.abs(this.x(time) - x) <= EDGE);
      this.canvas.style.cursor = isEdge ? 'ew-resize' : 'grab';
    } else if (this.grip.edge === 'from') {
      view.set(Math.min(this.time(x), view.to - view.least), view.to);
    } else if (this.grip.edge === 'to') {
      view.set(view.from, Math.max(this.time(x), view.from + view.least));
    } else {
      view.pan(this.time(x) - this.grip.offset - view.from);
    }
  }
}
