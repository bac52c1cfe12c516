// The time window that the panes and the overview share, what is selected, and what is marked.

class View {
  // The shortest window, in microseconds.
  least = 100;

  constructor(model) {
    this.model = model;
    this.from = model.first;
    this.to = model.last;
    this.selected = null;
    this.marks = { operations: new Set(), messages: new Set() };
    this.overview = new Overview(this);
    this.panes = [operationsPane(this), messagesPane(this)];
    this.pending = 0;
    this.settling = 0;
  }

  // Shows a window, moved and cut to the run.
  set(from, to) {
    const { first, last } = this.model;
    const span = Math.min(last - first, Math.max(this.least, to - from));
    this.from = Math.max(first, Math.min(from, last - span));
    this.to = this.from + span;
    this.invalidate();
  }

  pan(time) { this.set(this.from + time, this.to + time); }

  center(time) { this.pan(time - (this.from + this.to) / 2); }

  // Makes the window `factor` times as long; the time `about` stays where it is.
  zoom(factor, about = (this.from + this.to) / 2) {
    const { first, last } = this.model;
    const span = Math.min(last - first, Math.max(this.least, (this.to - this.from) * factor));
    const from = about - (about - this.from) * span / (this.to - this.from);
    this.set(from, from + span);
  }

  // How strong what is not marked is drawn.
  fade() { return this.marks.operations.size + this.marks.messages.size > 0 ? 0.22 : 1; }

  // Draws once in the next frame, however often it is called.
  invalidate() {
    root.dataset.window = `${Math.round(this.from)} ${Math.round(this.to)}`;
    if (this.pending === 0) this.pending = requestAnimationFrame(() => this.draw());
    delete root.dataset.settled;
    // Texts follow when the window rests: they would only flicker, and be read aloud.
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.settle(), 120);
  }

  draw() {
    this.pending = 0;
    this.overview.draw();
    for (const pane of this.panes) pane.draw();
    root.dataset.drawn = this.panes[1].isDense ? 'counts' : 'arrows';
  }

  settle() {
    const { model, from, to } = this;
    const messages = counted(model.messages.count(from, to), 'message');
    const operations = counted(model.operations.count(from, to), 'operation');
    const hint = this.panes[1].isDense ? '; zoom in to see each message as an arrow' : '';
    const counts = model.data.messages.sent.length > 0 ? `${messages} and ${operations}` : operations;
    $('status').value = `${counts} between ${seconds(Math.round(from))} s and ${seconds(Math.round(to))} s${hint}`;
    const form = $('filters');
    if (!form.contains(document.activeElement) || document.activeElement.type !== 'number') {
      form.from.value = (from / 1e6).toFixed(3);
      form.to.value = (to / 1e6).toFixed(3);
    }
    fillTable(this);
    root.dataset.settled = 'yes';
  }

  select(kind, id) {
    this.selected = id === null ? null : { kind, id };
    $('selected').classList.toggle('chosen', id !== null);
    $('selected').value = id === null
      ? 'Select an operation or a message to see it here in full.'
      : this.model.describe(kind, id);
    this.invalidate();
  }

  // Selects the next item of a pane, or the previous one, and shows it.
  selectNext(pane, step) {
    const index = this.model[pane.kind];
    const current = this.selected?.kind === pane.kind ? this.selected.id : null;
    const id = index.next(current, step, this.from, this.to);
    if (id === null) return;
    this.select(pane.kind, id);
    const start = index.start[id];
    if (start < this.from || start > this.to) this.center(start);
    pane.rowsOf(id).filter((row) => row >= 0).forEach((row) => pane.scrollTo(row));
  }

  // Shows the selected item in detail, with a margin on both sides.
  zoomToSelected() {
    if (!this.selected) return;
    const index = this.model[this.selected.kind], { id } = this.selected;
    const margin = Math.max(500, index.end[id] - index.start[id]);
    this.set(index.start[id] - margin, index.end[id] + margin);
  }

  mark(operations, messages) {
    const known = (ids, count) => ids.filter((id) => Number.isInteger(id) && id >= 0 && id < count);
    const { data } = this.model;
    this.marks.operations = new Set(known(operations, data.operations.start.length));
    this.marks.messages = new Set(known(messages, data.messages.sent.length));
    const { operations: { size: ops }, messages: { size: sent } } = this.marks;
    const parts = [ops && counted(ops, 'operation'), sent && counted(sent, 'message')].filter(Boolean);
    $('marks').hidden = parts.length === 0;
    $('marked').value = parts.length === 0 ? '' : `Marked: ${parts.join(' and ')}. Their lanes come first.`;
    if (parts.length === 0) delete root.dataset.marked; else root.dataset.marked = parts.join(', ');
    for (const pane of this.panes) pane.scroller.scrollTop = 0;
    this.invalidate();
  }
}

// The messages in the window as a table.
const MAX_ROWS = 200;

function fillTable({ model, from, to }) {
  const { messages, names } = model.data, rows = [];
  if ($('as-table').open) {
    model.messages.each(from, to, (i) => {
      const took = messages.took[i], row = document.createElement('tr');
      const fate = took === LOST ? 'lost' : took === IN_FLIGHT ? 'in flight' : number(took / 1000);
      const texts = [seconds(messages.sent[i]), names[messages.src[i]], names[messages.dest[i]], fate, messages.body[i]];
      row.append(...texts.map((text) => {
        const cell = document.createElement('td');
        cell.textContent = text;
        return cell;
      }));
      rows.push(row);
      return rows.length < MAX_ROWS;
    });
  }
  $('rows').replaceChildren(...rows);
}
