// Wheel, pointer, touch and keys on the panes; the form above them; the buttons of the evidence.

// Listens to a pane's pointers: one drags, two pinch, a click selects.
function listenToPointers(view, pane) {
  const { canvas } = pane, pointers = new Map();
  let dragged = false, start = null;
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, event);
    canvas.setPointerCapture(event.pointerId);
    if (pointers.size === 1) [dragged, start] = [false, event];
  });
  canvas.addEventListener('pointermove', (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) { hover(view, pane, event); return; }
    const perPixel = (view.to - view.from) / pane.span;
    pointers.set(event.pointerId, event);
    if (pointers.size === 2) {
      const [one, other] = [...pointers.values()];
      const fixed = one === event ? other : one;
      const before = Math.abs(last.clientX - fixed.clientX), after = Math.abs(event.clientX - fixed.clientX);
      if (before > 4 && after > 4) view.zoom(before / after, pane.time(fixed.offsetX));
      dragged = true;
      return;
    }
    const distance = Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY);
    if (!dragged && distance < 4) return;
    dragged = true;
    canvas.classList.add('dragged');
    view.pan((last.clientX - event.clientX) * perPixel);
    // The finger scrolls by itself.
    if (event.pointerType !== 'touch') pane.scroller.scrollTop += last.clientY - event.clientY;
  });
  const release = (event) => {
    pointers.delete(event.pointerId);
    canvas.classList.remove('dragged');
  };
  canvas.addEventListener('pointercancel', release);
  canvas.addEventListener('pointerup', (event) => {
    if (pointers.size === 1 && !dragged) view.select(pane.kind, pane.at(pane, event.offsetX, event.offsetY));
    release(event);
  });
  canvas.addEventListener('pointerleave', () => { $('hint').hidden = true; });
  canvas.addEventListener('dblclick', (event) => view.zoom(1 / 3, pane.time(event.offsetX)));
}

// Describes what is under the pointer, beside it.
function hover(view, pane, event) {
  const id = pane.at(pane, event.offsetX, event.offsetY), hint = $('hint');
  hint.hidden = id === null;
  pane.canvas.classList.toggle('over', id !== null);
  if (id === null) return;
  hint.textContent = view.model.describe(pane.kind, id);
  const box = pane.canvas.getBoundingClientRect(), right = event.clientX > window.innerWidth / 2;
  hint.style.top = `${event.clientY + (event.clientY > box.top + 60 ? -12 : 16)}px`;
  hint.style.transform = event.clientY > box.top + 60 ? 'translateY(-100%)' : '';
  hint.style.left = right ? '' : `${event.clientX + 12}px`;
  hint.style.right = right ? `${window.innerWidth - event.clientX + 12}px` : '';
}

// The wheel zooms with Ctrl or ⌘, or once the pane has the focus; otherwise it scrolls the page.
// Sideways it always moves in time.
function listenToWheel(view, pane) {
  pane.canvas.addEventListener('wheel', (event) => {
    const pixels = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
    const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    const zooms = event.ctrlKey || event.metaKey || document.activeElement === pane.canvas;
    if (!isSideways && !zooms) return;
    event.preventDefault();
    if (isSideways) {
      const delta = (event.deltaX || event.deltaY) * pixels;
      view.pan(delta * (view.to - view.from) / pane.span);
    } else {
      const power = event.deltaY * pixels * 0.002 * (event.ctrlKey ? 3 : 1);
      view.zoom(2 ** Math.max(-1, Math.min(1, power)), pane.time(event.offsetX));
    }
  }, { passive: false });
}

function listenToKeys(view, pane) {
  const span = () => view.to - view.from;
  const { first, last } = view.model;
  const actions = {
    ArrowLeft: () => view.pan(-span() / 5),
    ArrowRight: () => view.pan(span() / 5),
    PageUp: () => view.pan(-span()),
    PageDown: () => view.pan(span()),
    Home: () => view.set(first, first + span()),
    End: () => view.set(last - span(), last),
    '+': () => view.zoom(1 / 2),
    '=': () => view.zoom(1 / 2),
    '-': () => view.zoom(2),
    0: () => view.set(first, last),
    ArrowDown: () => view.selectNext(pane, 1),
    n: () => view.selectNext(pane, 1),
    ArrowUp: () => view.selectNext(pane, -1),
    p: () => view.selectNext(pane, -1),
    Enter: () => view.zoomToSelected(),
    Escape: () => (view.selected ? view.select(pane.kind, null) : view.mark([], [])),
  };
  pane.canvas.addEventListener('keydown', (event) => {
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
}

function fillForm({ data, laneNames, laneOf }) {
  const form = $('filters');
  const fill = (select, values) => select.append(...values.map(([value, text]) => new Option(text, value)));
  const byName = (a, b) => a[1].localeCompare(b[1], 'en', { numeric: true });
  fill(form.node, laneNames.slice(1).map((name) => [name, name]));
  fill(form.client, data.names.map((name, i) => [i, name]).filter(([i]) => laneOf[i] === 0).sort(byName));
  fill(form.kind, data.kinds.map((kind, i) => [i, kind]));
  fill(form.operation, data.functions.map((f, i) => [i, f]));
}

function listenToForm(view) {
  const form = $('filters'), { model } = view;
  const filter = () => {
    const { node, client, kind, operation, lost } = form;
    model.filter({
      node: node.value, client: client.value, kind: kind.value, operation: operation.value, lost: lost.checked,
    });
    view.selected = null;
    view.select('', null);
    view.overview.reset();
  };
  form.addEventListener('change', (event) => {
    if (event.target.type !== 'number') { filter(); return; }
    const from = parseFloat(form.from.value) * 1e6, to = parseFloat(form.to.value) * 1e6;
    view.set(Number.isFinite(from) ? from : model.first, Number.isFinite(to) ? to : model.last);
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  const moves = {
    earlier: () => view.pan((view.from - view.to) / 2),
    later: () => view.pan((view.to - view.from) / 2),
    closer: () => view.zoom(1 / 2),
    farther: () => view.zoom(2),
    all: () => view.set(model.first, model.last),
  };
  for (const name in moves) $(name).addEventListener('click', moves[name]);
  $('clear-marks').addEventListener('click', () => view.mark([], []));
  return () => { form.reset(); filter(); };
}

// Buttons anywhere on the page show a window, and mark operations and messages by their indices.
function listenToEvidence(view, clearFilters) {
  const list = (text) => (text ? text.split(',').map(Number) : []);
  document.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-from]');
    if (!button) return;
    const { from, to, ops, messages } = button.dataset;
    clearFilters();
    view.mark(list(ops), list(messages));
    view.set(Math.max(view.model.first, +from), Math.min(view.model.last, +to));
    $('exploration').scrollIntoView();
    $('exploration').focus();
  });
}

function explore(data) {
  const model = new Model(data);
  readTheme();
  // Those of a saved history are unknown.
  const hasMessages = data.messages.sent.length > 0;
  for (const element of document.querySelectorAll('.of-messages')) element.hidden = !hasMessages;
  const view = new View(model);
  fillForm(model);
  for (const pane of view.panes) {
    for (const listen of [listenToPointers, listenToWheel, listenToKeys]) listen(view, pane);
  }
  listenToEvidence(view, listenToForm(view));
  $('as-table').addEventListener('toggle', () => fillTable(view));
  const redraw = () => { view.overview.reset(); view.invalidate(); };
  new ResizeObserver(redraw).observe($('overview').parentElement);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { readTheme(); redraw(); });
  view.select('', null);
  view.draw();
  view.settle();
}

unpack().then((data) => {
  showPlots(data.plots);
  explore(data);
  root.dataset.ready = 'yes';
}).catch((error) => {
  $('status').value = `This browser cannot show the timeline and the messages: ${error}`;
  throw error;
});
