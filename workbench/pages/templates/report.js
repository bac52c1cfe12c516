'use strict';
// Interactive parts of the report: values at the pointer, the timeline, the message chart. All data
// comes from the compressed block at the end of the page; texts are inserted as text, never as HTML.
(() => {
const $ = (id) => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';
// Limits that keep the pictures readable.
const MAX_DRAWN = 600, MAX_LANES = 60, MAX_ROWS = 200, INITIAL_MESSAGES = 150;
// Special values of a message's `took`.
const LOST = -1, IN_FLIGHT = -2;
const OUTCOMES = ['ok', 'failed', 'indeterminate', 'open'];

async function unpack() {
  const binary = atob($('data').textContent.trim());
  const compressed = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) compressed[i] = binary.charCodeAt(i);
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream('deflate'));
  return JSON.parse(await new Response(stream).text());
}

function element(name, attributes, text) {
  const created = document.createElementNS(SVG, name);
  for (const key in attributes) created.setAttribute(key, attributes[key]);
  if (text !== undefined) created.textContent = text;
  return created;
}

const seconds = (micros) => (micros / 1e6).toFixed(micros % 1000 === 0 ? 3 : 6);
const number = (value) => (Math.abs(value) >= 100 || Number.isInteger(value) ? value.toLocaleString('en', { maximumFractionDigits: 1 }) : Number(value.toPrecision(4)).toString());

// ---- plots -------------------------------------------------------------------------------------

function plot(figure, numbers) {
  const svg = figure.querySelector('svg');
  const output = figure.querySelector('output');
  const toPixel = (axis, value) => {
    const [low, high] = axis.pixels;
    const scale = (v) => (axis.log ? Math.log10(Math.max(v, axis.from)) : v);
    const fraction = (scale(value) - scale(axis.from)) / (scale(axis.to) - scale(axis.from));
    return low + Math.min(1, Math.max(0, fraction)) * (high - low);
  };
  const points = [];
  for (const series of numbers.series) {
    for (const [x, y] of series.points) {
      points.push({ name: series.name, x, y, px: toPixel(numbers.x, x), py: toPixel(numbers.y, y) });
    }
  }
  if (points.length === 0) return;
  points.sort((a, b) => a.px - b.px);
  const marker = element('circle', { r: 5, class: 'marker', visibility: 'hidden' });
  svg.append(marker);
  let current = -1;
  const show = (index) => {
    current = Math.max(0, Math.min(points.length - 1, index));
    const point = points[current];
    marker.setAttribute('cx', point.px);
    marker.setAttribute('cy', point.py);
    marker.setAttribute('visibility', 'visible');
    const name = point.name ? `${point.name}: ` : '';
    output.value = `${name}${numbers.x.label} ${number(point.x)}, ${numbers.y.label} ${number(point.y)}`;
  };
  svg.addEventListener('pointermove', (event) => {
    output.setAttribute('aria-live', 'off');
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
    let best = -1, nearest = Infinity;
    for (let i = 0; i < points.length; i++) {
      const distance = (points[i].px - x) ** 2 + (points[i].py - y) ** 2;
      if (distance < nearest) { nearest = distance; best = i; }
    }
    show(best);
  });
  // Screen readers pass the arrow keys to elements with the role `application` only.
  svg.setAttribute('tabindex', '0');
  svg.setAttribute('role', 'application');
  svg.setAttribute('aria-roledescription', 'plot');
  svg.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 20, PageUp: -20 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    output.setAttribute('aria-live', 'polite');
    show(current + step);
  });
}

// ---- timeline and messages ---------------------------------------------------------------------

function explore(data) {
  const { messages, operations, names, kinds, functions, services } = data;
  const form = $('filters');
  const first = Math.min(0, messages.sent[0] ?? 0);
  const last = data.end;
  // Clients share one lane; each node and service has its own.
  const isClient = names.map((name) => name.startsWith('c'));
  const laneNames = ['clients', ...data.nodes, ...services];
  const laneOf = names.map((name, i) => (isClient[i] ? 0 : laneNames.indexOf(name)));
  const view = { from: first, to: last };
  let shown = { messages: [], operations: [] };
  // What is drawn: everything that matches, except operations of workers without a lane.
  const drawn = { messages: [], operations: [] };
  let selected = null;

  const options = (select, values) => {
    for (const [value, text] of values) {
      const option = document.createElement('option');
      option.value = value;
      option.textContent = text;
      select.append(option);
    }
  };
  options(form.node, laneNames.slice(1).map((name) => [name, name]));
  options(form.client, names.map((name, i) => [i, name]).filter((_, i) => isClient[i])
    .sort((a, b) => a[1].localeCompare(b[1], 'en', { numeric: true })));
  options(form.kind, kinds.map((kind, i) => [i, kind]));
  options(form.operation, functions.map((f, i) => [i, f]));

  // End of the initial time window, chosen so that its messages are readable.
  function initialEnd(from) {
    const start = messages.sent.findIndex((sent) => sent >= from);
    if (start < 0) return last;
    const end = messages.sent[Math.min(start + INITIAL_MESSAGES, messages.sent.length - 1)];
    return Math.min(last, Math.max(end, from + 1000));
  }

  function matching() {
    const node = form.node.value, client = form.client.value;
    const kind = form.kind.value, operation = form.operation.value;
    const lostOnly = form.lost.checked;
    const nodeIndex = node === '' ? -1 : names.indexOf(node);
    const result = { messages: [], operations: [], counts: [0, 0] };
    for (let i = 0; i < messages.sent.length; i++) {
      const sent = messages.sent[i], took = messages.took[i];
      const end = took >= 0 ? sent + took : took === IN_FLIGHT ? last : sent;
      if (sent > view.to || end < view.from) continue;
      const src = messages.src[i], dest = messages.dest[i];
      if (node !== '' && src !== nodeIndex && dest !== nodeIndex) continue;
      if (client !== '' && src !== +client && dest !== +client) continue;
      if (kind !== '' && messages.kind[i] !== +kind) continue;
      if (lostOnly && took !== LOST) continue;
      result.counts[0]++;
      if (result.messages.length < MAX_DRAWN) result.messages.push(i);
    }
    for (let i = 0; i < operations.start.length; i++) {
      const end = operations.end[i] < 0 ? last : operations.end[i];
      if (operations.start[i] > view.to || end < view.from) continue;
      if (node !== '' && data.nodes[operations.node[i]] !== node) continue;
      if (operation !== '' && operations.f[i] !== +operation) continue;
      result.counts[1]++;
      if (result.operations.length < MAX_DRAWN) result.operations.push(i);
    }
    return result;
  }

  const width = () => Math.max(640, $('timeline').parentElement.clientWidth - 2);
  const LEFT = 96, RIGHT = 10;
  // Positions far outside the window are limited, as SVG coordinates must not become too large.
  const toX = (total) => (time) => {
    const fraction = (time - view.from) / Math.max(1, view.to - view.from);
    return LEFT + Math.min(50, Math.max(-50, fraction)) * (total - LEFT - RIGHT);
  };

  function frame(svg, lanes, height, total) {
    const x = toX(total);
    const full = 24 + lanes.length * height;
    svg.replaceChildren();
    svg.setAttribute('viewBox', `0 0 ${total} ${full}`);
    svg.setAttribute('width', total);
    svg.setAttribute('height', full);
    const clip = element('clipPath', { id: `${svg.id}-window` });
    clip.append(element('rect', { x: LEFT - 4, y: 0, width: total - LEFT - RIGHT + 8, height: full }));
    svg.append(clip);
    for (const shade of data.shades) {
      if (shade.to < view.from || shade.from > view.to) continue;
      const left = Math.max(LEFT, x(shade.from)), right = Math.min(total - RIGHT, x(shade.to));
      const band = element('rect', { x: left, y: 0, width: Math.max(1, right - left), height: full, class: 'shade' });
      band.append(element('title', {}, shade.label));
      svg.append(band);
    }
    const step = Math.pow(10, Math.floor(Math.log10(Math.max(1, (view.to - view.from) / 4))));
    const span = (view.to - view.from) / step > 12 ? step * 5 : step;
    const digits = Math.max(0, -Math.floor(Math.log10(span / 1e6)));
    for (let tick = Math.ceil(view.from / span) * span; tick <= view.to; tick += span) {
      svg.append(element('line', { x1: x(tick), x2: x(tick), y1: 16, y2: full, class: 'grid' }));
      svg.append(element('text', { x: x(tick), y: 11, class: 'mark', 'text-anchor': 'middle' }, `${(tick / 1e6).toFixed(digits)} s`));
    }
    lanes.forEach((name, i) => {
      const y = 24 + (i + 0.5) * height;
      svg.append(element('line', { x1: LEFT, x2: total - RIGHT, y1: y, y2: y, class: 'lane' }));
      svg.append(element('text', { x: LEFT - 6, y: y + 4, class: 'name', 'text-anchor': 'end' }, name));
    });
    const inside = element('g', { 'clip-path': `url(#${svg.id}-window)` });
    svg.append(inside);
    return [x, inside];
  }

  function drawTimeline() {
    const svg = $('timeline'), total = width(), height = 18;
    const active = new Set(shown.operations.map((i) => operations.worker[i]));
    const workers = [...active].sort((a, b) => a - b).slice(0, MAX_LANES);
    const rows = new Map(workers.map((worker, row) => [worker, row]));
    drawn.operations = shown.operations.filter((i) => rows.has(operations.worker[i]));
    const lane = (worker) => `${data.nodes[worker % data.nodes.length]} · ${worker}`;
    const [x, inside] = frame(svg, workers.map(lane), height, total);
    for (const i of drawn.operations) {
      const row = rows.get(operations.worker[i]);
      const left = x(operations.start[i]);
      const right = x(operations.end[i] < 0 ? last : operations.end[i]);
      const barWidth = Math.max(3, right - left), y = 24 + row * height + 2;
      const group = element('g', { class: `operation ${OUTCOMES[operations.outcome[i]]}`, 'data-operation': i });
      group.append(element('rect', { x: left, y, width: barWidth, height: height - 4, rx: 2 }));
      if (barWidth > 70) {
        const text = `${functions[operations.f[i]]} ${operations.result[i] || operations.value[i]}`;
        group.append(element('text', { x: left + 3, y: y + 11 }, text.slice(0, Math.floor(barWidth / 7))));
      }
      group.append(element('title', {}, describeOperation(i)));
      inside.append(group);
    }
    return active.size - workers.length;
  }

  function drawMessages() {
    const svg = $('messages'), total = width(), height = 24;
    const used = new Set(shown.messages.flatMap((i) => [laneOf[messages.src[i]], laneOf[messages.dest[i]]]));
    const lanes = laneNames.map((_, i) => i).filter((lane) => used.has(lane));
    const rows = new Map(lanes.map((lane, row) => [lane, row]));
    const [x, inside] = frame(svg, lanes.map((lane) => laneNames[lane]), height, total);
    const y = (name) => 24 + (rows.get(laneOf[name]) + 0.5) * height;
    drawn.messages = shown.messages;
    for (const i of shown.messages) {
      const took = messages.took[i], lost = took === LOST;
      const x1 = x(messages.sent[i]), y1 = y(messages.src[i]), y2 = y(messages.dest[i]);
      const x2 = lost ? x1 + Math.min(24, Math.abs(y2 - y1)) / 2 : x(took === IN_FLIGHT ? last : messages.sent[i] + took);
      const end = lost ? (y1 + y2) / 2 : y2;
      const side = laneOf[messages.src[i]] === 0 || laneOf[messages.dest[i]] === 0 ? 'client' : 'server';
      const group = element('g', { class: `message ${lost ? 'lost' : side}`, 'data-message': i });
      group.append(element('line', { x1, y1, x2, y2: end, class: 'hit-area' }));
      group.append(element('line', { x1, y1, x2, y2: end, 'marker-end': lost ? '' : 'url(#head)' }));
      if (lost) group.append(element('path', { d: `M${x2 - 4},${end - 4}l8,8m0,-8l-8,8` }));
      group.append(element('title', {}, describeMessage(i)));
      inside.append(group);
    }
    const head = element('marker', { id: 'head', viewBox: '0 0 6 6', refX: 6, refY: 3, markerWidth: 6, markerHeight: 6, orient: 'auto' });
    head.append(element('path', { d: 'M0,0L6,3L0,6z' }));
    svg.append(head);
  }

  const counted = (count, noun) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

  function describeMessage(i) {
    const took = messages.took[i];
    const status = took === LOST ? 'lost' : took === IN_FLIGHT ? 'still in flight at the end' : `took ${number(took / 1000)} ms`;
    return `${seconds(messages.sent[i])} s  ${names[messages.src[i]]} → ${names[messages.dest[i]]}, ${status}: ${messages.body[i]}`;
  }

  function describeOperation(i) {
    const end = operations.end[i];
    const outcome = end < 0 ? 'not completed' : `${OUTCOMES[operations.outcome[i]]} after ${number((end - operations.start[i]) / 1000)} ms`;
    const result = operations.result[i] ? ` → ${operations.result[i]}` : '';
    return `${seconds(operations.start[i])} s  process ${operations.process[i]} on ${data.nodes[operations.node[i]]}: ${functions[operations.f[i]]} ${operations.value[i]}, ${outcome}${result}`;
  }

  function fillTable() {
    const body = $('rows');
    body.replaceChildren();
    if (!$('as-table').open) return;
    for (const i of shown.messages.slice(0, MAX_ROWS)) {
      const took = messages.took[i];
      const row = document.createElement('tr');
      const status = took === LOST ? 'lost' : took === IN_FLIGHT ? 'in flight' : number(took / 1000);
      for (const text of [seconds(messages.sent[i]), names[messages.src[i]], names[messages.dest[i]], status, messages.body[i]]) {
        const cell = document.createElement('td');
        cell.textContent = text;
        row.append(cell);
      }
      body.append(row);
    }
  }

  function draw() {
    shown = matching();
    const hidden = drawTimeline();
    drawMessages();
    const [messageCount, operationCount] = shown.counts;
    const cut = messageCount > shown.messages.length || operationCount > shown.operations.length;
    const more = cut ? `; only the first ${MAX_DRAWN} of each are drawn: narrow the window or use the filters to see the rest` : '';
    const lanes = hidden > 0 ? `; ${counted(hidden, 'more worker')} not shown` : '';
    $('status').value = `${counted(messageCount, 'message')} and ${counted(operationCount, 'operation')} between ${seconds(view.from)} s and ${seconds(view.to)} s${more}${lanes}`;
    form.from.value = (view.from / 1e6).toFixed(3);
    form.to.value = (view.to / 1e6).toFixed(3);
    select(null);
    fillTable();
  }

  function setView(from, to) {
    view.from = Math.max(first, Math.min(from, last - 1));
    view.to = Math.min(last, Math.max(to, view.from + 100));
    draw();
  }

  function select(item) {
    for (const old of document.querySelectorAll('.selected')) old.classList.remove('selected');
    selected = item;
    if (item === null) { $('selected').value = 'Select an operation or a message to see it here in full.'; return; }
    const [kind, i] = item;
    document.querySelector(`[data-${kind}="${i}"]`)?.classList.add('selected');
    $('selected').value = kind === 'message' ? describeMessage(i) : describeOperation(i);
  }

  for (const [id, kind] of [['timeline', 'operation'], ['messages', 'message']]) {
    $(id).addEventListener('click', (event) => {
      const clicked = event.target.closest(`[data-${kind}]`);
      if (clicked) select([kind, +clicked.dataset[kind]]);
    });
    $(id).addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const list = drawn[`${kind}s`];
      if (step === undefined || list.length === 0) return;
      event.preventDefault();
      const at = selected && selected[0] === kind ? list.indexOf(selected[1]) : -1;
      select([kind, list[(at + step + list.length) % list.length]]);
    });
  }
  const moves = {
    earlier: (span) => [view.from - span / 2, view.to - span / 2],
    later: (span) => [view.from + span / 2, view.to + span / 2],
    closer: (span) => [view.from + span / 4, view.to - span / 4],
    farther: (span) => [view.from - span / 2, view.to + span / 2],
    all: () => [first, last],
  };
  for (const name in moves) {
    $(name).addEventListener('click', () => {
      const span = view.to - view.from;
      let [from, to] = moves[name](span);
      // At either end the window keeps its width.
      if (name === 'earlier' && from < first) [from, to] = [first, first + span];
      if (name === 'later' && to > last) [from, to] = [last - span, last];
      setView(from, to);
    });
  }
  form.addEventListener('change', () => {
    const from = parseFloat(form.from.value) * 1e6, to = parseFloat(form.to.value) * 1e6;
    setView(Number.isFinite(from) ? from : first, Number.isFinite(to) ? to : last);
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  $('as-table').addEventListener('toggle', fillTable);
  for (const button of document.querySelectorAll('button[data-from]')) {
    button.addEventListener('click', () => {
      setView(+button.dataset.from, +button.dataset.to);
      $('exploration').scrollIntoView();
      $('exploration').focus();
    });
  }
  let pending = 0, lastWidth = width();
  new ResizeObserver(() => {
    cancelAnimationFrame(pending);
    if (width() === lastWidth) return;
    pending = requestAnimationFrame(() => { lastWidth = width(); drawTimeline(); drawMessages(); select(selected); });
  }).observe($('timeline').parentElement);
  setView(0, initialEnd(0));
}

unpack().then((data) => {
  for (const name in data.plots) {
    const figure = document.querySelector(`figure[data-plot="${name}"]`);
    if (figure) plot(figure, data.plots[name]);
  }
  explore(data);
  document.documentElement.dataset.ready = 'yes';
}).catch((error) => {
  $('status').value = `This browser cannot show the timeline and the messages: ${error}`;
  throw error;
});
})();
