// The operations: a lane for each worker, a bar from invocation to completion.

const OPERATION = 'operations';

// The node of a saved history whose nodes are unknown.
const UNKNOWN = '?';

function operationsPane(view) {
  const { model, marks } = view;
  const { operations, nodes, functions } = model.data;
  const hasMark = (worker) => [...marks.operations].some((i) => operations.worker[i] === worker);

  // The lanes; those with marks come first.
  function lanes() {
    const name = (worker) => {
      const node = nodes[worker % nodes.length];
      return node === UNKNOWN ? `worker ${worker}` : `${node} · ${worker}`;
    };
    const lanes = model.workers.map(({ worker, operations }) => ({ worker, operations, name: name(worker) }));
    if (marks.operations.size === 0) return lanes;
    const marked = new Set(lanes.filter((it) => hasMark(it.worker)));
    return [...marked, ...lanes.filter((it) => !marked.has(it))];
  }

  const text = (i) => `${functions[operations.f[i]]} ${operations.result[i] || operations.value[i]}`;

  // Left and right end of a bar: short ones stay visible, those that are not ok more so.
  function bar(pane, i) {
    const left = pane.x(operations.start[i]), right = pane.x(operations.until[i]);
    return [left, Math.max(right, left + (operations.outcome[i] === 0 ? 1.5 : 3))];
  }

  function drawItems(pane, context) {
    const { from, to } = view, height = pane.laneHeight - 4;
    // All bars of an outcome are one path. Narrow bars have no outline.
    const bars = OUTCOMES.map(() => [new Path2D(), new Path2D()]);
    const texts = [], marked = [];
    pane.rows.forEach((lane, row) => {
      if (!pane.isVisible(row)) return;
      const top = pane.y(row) - height / 2;
      let drawnTo = -Infinity;
      lane.operations.each(from, to, (i) => {
        const outcome = operations.outcome[i], [left, right] = bar(pane, i);
        if (marks.operations.has(i)) marked.push([i, left, top, right]);
        // What falls on the same pixel is drawn once.
        if (outcome === 0 && right < drawnTo + 1) return;
        if (outcome === 0) drawnTo = right;
        const isWide = right - left > 4;
        bars[outcome][+isWide].rect(left, top, right - left, height);
        if (right - left > 40) texts.push([i, Math.max(left, pane.left), top + height / 2, right]);
      });
    });
    const fade = view.fade();
    const colors = [theme.good, theme.bad, theme.doubt, theme.doubt], dashes = [[], [3, 2], [6, 2], []];
    bars.forEach(([narrow, wide], outcome) => {
      context.fillStyle = context.strokeStyle = colors[outcome];
      context.lineWidth = 1;
      context.setLineDash(dashes[outcome]);
      context.globalAlpha = 0.9 * fade;
      context.fill(narrow);
      context.globalAlpha = 0.3 * fade;
      if (outcome !== 3) context.fill(wide);
      context.globalAlpha = fade;
      context.stroke(wide);
    });
    context.setLineDash([]);
    context.textAlign = 'left';
    context.fillStyle = theme.ink;
    for (const [i, left, y, right] of texts) {
      const space = Math.min(right, pane.left + pane.span) - left - 8;
      if (space > 24) context.fillText(fitted(context, text(i), space), left + 4, y);
    }
    context.globalAlpha = 1;
    const labels = new Labels(pane, context);
    for (const [i, left, top, right] of marked) {
      outline(context, left, top, right, theme.mark);
      labels.put(`${operations.process[i]}: ${text(i)}`, left + 2, top + height / 2 + pane.laneHeight);
    }
    const chosen = view.selected?.kind === OPERATION ? view.selected.id : null;
    const row = chosen === null ? -1 : rowOf(pane, chosen);
    if (row >= 0) {
      const [left, right] = bar(pane, chosen);
      outline(context, left, pane.y(row) - height / 2, right, theme.ink);
    }

    function outline(context, left, top, right, color) {
      context.strokeStyle = color;
      context.lineWidth = 2;
      context.strokeRect(left - 1, top - 1, right - left + 2, height + 2);
    }
  }

  function rowOf(pane, i) {
    return pane.rows.findIndex((it) => it.worker === operations.worker[i]);
  }

  // The operation at a position, if there is one.
  function at(pane, x, y) {
    const lane = pane.rows[pane.row(y)];
    let best = null, nearest = 5;
    lane?.operations.each(view.from, view.to, (i) => {
      const [left, right] = bar(pane, i);
      const distance = Math.max(0, left - x, x - right);
      if (distance < nearest) [best, nearest] = [i, distance];
    });
    return best;
  }

  const canvas = $('timeline');
  const pane = new Pane(canvas, { view, laneHeight: 20, faults: true, lanes, drawItems });
  return Object.assign(pane, { kind: OPERATION, at, rowsOf: (i) => [rowOf(pane, i)] });
}
