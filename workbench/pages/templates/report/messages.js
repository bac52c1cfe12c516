// The messages: a lane for the clients and each node and service, an arrow for each message; or, if
// they would cover each other, the number of messages of each lane and pixel.

const MESSAGE = 'messages';

// Most arrows for each pixel of width.
const MAX_ARROWS = 1.3;

function messagesPane(view) {
  const { model, marks } = view;
  const { messages, names, kinds } = model.data;
  const endsOf = (i) => [model.lane(messages.src[i]), model.lane(messages.dest[i])];

  // The lanes with messages; those with marked ones come first.
  function lanes() {
    const marked = new Set([...marks.messages].flatMap(endsOf));
    const used = model.laneNames.map((name, lane) => ({ name, lane }))
      .filter(({ lane }) => model.usedLanes.has(lane) || marked.has(lane));
    if (marked.size === 0) return used;
    return [...used.filter((it) => marked.has(it.lane)), ...used.filter((it) => !marked.has(it.lane))];
  }

  // Positions of both ends; a lost message ends half way.
  function line(pane, i) {
    const rows = pane.rowOfLane;
    const x1 = pane.x(messages.sent[i]);
    const y1 = pane.y(rows[model.lane(messages.src[i])]), y2 = pane.y(rows[model.lane(messages.dest[i])]);
    if (messages.took[i] !== LOST) return [x1, y1, pane.x(messages.end[i]), y2];
    return [x1, y1, x1 + Math.min(24, Math.abs(y2 - y1)) / 2, (y1 + y2) / 2];
  }

  function drawItems(pane, context) {
    pane.rowOfLane = new Int32Array(model.laneNames.length).fill(-1);
    pane.rows.forEach(({ lane }, row) => { pane.rowOfLane[lane] = row; });
    pane.isDense = model.messages.count(view.from, view.to) > MAX_ARROWS * pane.span;
    context.globalAlpha = view.fade();
    if (pane.isDense) drawDensity(pane, context); else drawArrows(pane, context, model.messages);
    context.globalAlpha = 1;
    drawMarks(pane, context);
    if (view.selected?.kind === MESSAGE) drawArrow(pane, context, view.selected.id, theme.ink);
  }

  function drawArrows(pane, context, index) {
    // All arrows of a colour are one path.
    const shafts = { server: new Path2D(), client: new Path2D(), lost: new Path2D() };
    const heads = { server: new Path2D(), client: new Path2D() }, crosses = new Path2D();
    index.each(view.from, view.to, (i) => {
      const [x1, y1, x2, y2] = line(pane, i);
      if (Math.max(y1, y2) < pane.head || Math.min(y1, y2) > pane.height) return;
      const kind = messages.took[i] === LOST ? 'lost' : model.isWithClient(i) ? 'client' : 'server';
      shafts[kind].moveTo(x1, y1);
      shafts[kind].lineTo(x2, y2);
      if (kind === 'lost') cross(crosses, x2, y2);
      else if (messages.took[i] !== IN_FLIGHT) head(heads[kind], x1, y1, x2, y2);
    });
    context.lineWidth = 1.2;
    for (const kind of ['client', 'server']) {
      context.strokeStyle = context.fillStyle = theme[kind];
      context.stroke(shafts[kind]);
      context.fill(heads[kind]);
    }
    context.strokeStyle = theme.bad;
    context.setLineDash([4, 3]);
    context.stroke(shafts.lost);
    context.setLineDash([]);
    context.lineWidth = 2;
    context.stroke(crosses);
  }

  function head(path, x1, y1, x2, y2) {
    const length = Math.hypot(x2 - x1, y2 - y1);
    if (length < 4) return;
    const dx = (x2 - x1) / length * 6, dy = (y2 - y1) / length * 6;
    path.moveTo(x2, y2);
    path.lineTo(x2 - dx - dy / 2, y2 - dy + dx / 2);
    path.lineTo(x2 - dx + dy / 2, y2 - dy - dx / 2);
    path.closePath();
  }

  function cross(path, x, y) {
    path.moveTo(x - 4, y - 4);
    path.lineTo(x + 4, y + 4);
    path.moveTo(x + 4, y - 4);
    path.lineTo(x - 4, y + 4);
  }

  // A picture of two rows for each lane, what it sent and what it received, and a column for each
  // pixel: the more messages, the darker.
  function drawDensity(pane, context) {
    const width = Math.ceil(pane.span), height = 2 * pane.rows.length;
    const counts = new Uint16Array(width * height), ofServers = new Uint8Array(width * height);
    const lost = new Uint8Array(width * pane.rows.length);
    const scale = pane.span / (view.to - view.from);
    const add = (row, time, isServer) => {
      const column = Math.floor((time - view.from) * scale);
      if (column < 0 || column >= width) return -1;
      const cell = row * width + column;
      counts[cell]++;
      ofServers[cell] |= isServer;
      return column;
    };
    model.messages.each(view.from, view.to, (i) => {
      const src = pane.rowOfLane[model.lane(messages.src[i])];
      const dest = pane.rowOfLane[model.lane(messages.dest[i])];
      const isServer = model.isWithClient(i) ? 0 : 1;
      const column = add(2 * src, messages.sent[i], isServer);
      if (messages.took[i] >= 0) add(2 * dest + 1, messages.end[i], isServer);
      else if (messages.took[i] === LOST && column >= 0) lost[src * width + column] = lost[dest * width + column] = 1;
    });
    const picture = pane.picture ??= document.createElement('canvas');
    picture.width = width;
    picture.height = height;
    const image = new ImageData(width, height), colors = [rgb(theme.client), rgb(theme.server)];
    counts.forEach((count, cell) => {
      if (count === 0) return;
      image.data.set(colors[ofServers[cell]], 4 * cell);
      image.data[4 * cell + 3] = 255 * Math.min(0.95, 0.25 + 0.14 * Math.log2(count + 1));
    });
    picture.getContext('2d').putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    const lostTicks = new Path2D();
    pane.rows.forEach((_, row) => {
      if (!pane.isVisible(row)) return;
      const top = pane.y(row) - pane.laneHeight / 2 + 2, tall = pane.laneHeight - 4;
      context.drawImage(picture, 0, 2 * row, width, 2, pane.left, top, width, tall);
      for (let column = 0; column < width; column++) {
        if (lost[row * width + column]) lostTicks.rect(pane.left + column - 0.5, top - 1, 2, tall * 0.45);
      }
    });
    context.fillStyle = theme.bad;
    context.fill(lostTicks);
  }

  function rgb(color) {
    const value = parseInt(color.slice(1), 16);
    return [value >> 16, (value >> 8) & 255, value & 255, 255];
  }

  function drawArrow(pane, context, i, color) {
    const [x1, y1, x2, y2] = line(pane, i);
    const path = new Path2D(), tip = new Path2D();
    path.moveTo(x1, y1);
    path.lineTo(x2, y2);
    if (messages.took[i] === LOST) cross(path, x2, y2); else head(tip, x1, y1, x2, y2);
    context.strokeStyle = context.fillStyle = color;
    context.lineWidth = 2.5;
    context.stroke(path);
    context.fill(tip);
    return [x1, y1, x2, y2];
  }

  function drawMarks(pane, context) {
    const labels = new Labels(pane, context);
    const inSight = [...marks.messages].filter((i) => messages.sent[i] <= view.to && messages.end[i] >= view.from);
    const lines = inSight.map((i) => drawArrow(pane, context, i, theme.mark));
    inSight.forEach((i, at) => {
      const [x1, y1, x2, y2] = lines[at];
      const fate = messages.took[i] === LOST ? ', lost' : '';
      labels.put(`${names[messages.src[i]]} → ${names[messages.dest[i]]} ${kinds[messages.kind[i]]}${fate}`,
        (x1 + x2) / 2 + 6, (y1 + y2) / 2);
    });
  }

  // The message nearest to a position, if one is near.
  function at(pane, x, y) {
    let best = null, nearest = 7;
    model.messages.each(view.from, view.to, (i) => {
      const [x1, y1, x2, y2] = line(pane, i);
      const length = (x2 - x1) ** 2 + (y2 - y1) ** 2 || 1;
      const along = Math.max(0, Math.min(1, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length));
      const distance = Math.hypot(x1 + along * (x2 - x1) - x, y1 + along * (y2 - y1) - y);
      if (distance < nearest) [best, nearest] = [i, distance];
    });
    return best;
  }

  const pane = new Pane($('messages'), { view, laneHeight: 24, faults: false, lanes, drawItems });
  const rowsOf = (i) => endsOf(i).map((lane) => pane.rows.findIndex((it) => it.lane === lane));
  return Object.assign(pane, { kind: MESSAGE, at, rowsOf });
}
