// The report's data: it is in the compressed block at the end of the page.

// Special values of a message's `took`.
const LOST = -1, IN_FLIGHT = -2;
const OUTCOMES = ['ok', 'failed', 'indeterminate', 'open'];

const $ = (id) => document.getElementById(id);
const root = document.documentElement;

async function unpack() {
  const binary = atob($('data').textContent.trim());
  const compressed = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) compressed[i] = binary.charCodeAt(i);
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream('deflate'));
  return JSON.parse(await new Response(stream).text());
}

const seconds = (micros) => (micros / 1e6).toFixed(micros % 1000 === 0 ? 3 : 6);
const counted = (count, noun) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
function number(value) {
  if (Math.abs(value) < 100 && !Number.isInteger(value)) return Number(value.toPrecision(4)).toString();
  return value.toLocaleString('en', { maximumFractionDigits: 1 });
}

// Items by their start. Each block knows its last end, so that those in a time window are found
// without a look at all others, also long ones that start before it.
class Index {
  static BLOCK = 64;

  constructor(ids, start, end) {
    this.ids = ids.sort((a, b) => start[a] - start[b] || a - b);
    this.start = start;
    this.end = end;
    this.blockEnd = new Float64Array(Math.ceil(ids.length / Index.BLOCK)).fill(-Infinity);
    ids.forEach((id, at) => {
      const block = Math.floor(at / Index.BLOCK);
      this.blockEnd[block] = Math.max(this.blockEnd[block], end[id]);
    });
  }

  // The position of the first item that starts after a time.
  after(time) {
    let low = 0, high = this.ids.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.start[this.ids[middle]] > time) high = middle; else low = middle + 1;
    }
    return low;
  }

  // Visits the items in a window, in their order, until `visit` returns false.
  each(from, to, visit) {
    const stop = this.after(to);
    for (let block = 0; block * Index.BLOCK < stop; block++) {
      if (this.blockEnd[block] < from) continue;
      const end = Math.min(stop, (block + 1) * Index.BLOCK);
      for (let at = block * Index.BLOCK; at < end; at++) {
        const id = this.ids[at];
        if (this.end[id] >= from && visit(id) === false) return;
      }
    }
  }

  count(from, to) {
    let count = 0;
    this.each(from, to, () => { count++; });
    return count;
  }

  // The item `step` places after another one; if there is none, the first in the window.
  next(id, step, from, to) {
    const { ids } = this, at = id === null ? -1 : ids.indexOf(id);
    if (at >= 0) return ids[(at + step + ids.length) % ids.length];
    let first = null;
    this.each(from, to, (it) => { first = it; return false; });
    return first ?? ids[0] ?? null;
  }
}

// The periods with any fault: the union of the faults' periods, which are in the order of their start.
function union(shades) {
  const periods = [];
  for (const { from, to } of shades) {
    const last = periods.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to); else periods.push({ from, to });
  }
  return periods;
}

// Operations and messages, and those that match the filters.
class Model {
  constructor(data) {
    this.data = data;
    const { messages, operations, names } = data;
    this.first = Math.min(0, messages.sent[0] ?? 0);
    this.last = data.end;
    this.faultPeriods = union(data.shades);
    // Clients share one lane; each node and service has its own.
    this.laneNames = ['clients', ...data.nodes, ...data.services];
    this.laneOf = names.map((name) => Math.max(0, this.laneNames.indexOf(name)));
    messages.end = Float64Array.from(messages.sent, (sent, i) => {
      const took = messages.took[i];
      return took === IN_FLIGHT ? this.last : sent + Math.max(0, took);
    });
    operations.until = Float64Array.from(operations.end, (end) => (end < 0 ? this.last : end));
    this.filter({ node: '', client: '', kind: '', operation: '', lost: false });
  }

  filter({ node, client, kind, operation, lost }) {
    const { messages, operations, names, nodes } = this.data;
    const nodeIndex = names.indexOf(node);
    const ids = { messages: [], operations: [] };
    for (let i = 0; i < messages.sent.length; i++) {
      const src = messages.src[i], dest = messages.dest[i];
      if (node !== '' && src !== nodeIndex && dest !== nodeIndex) continue;
      if (client !== '' && src !== +client && dest !== +client) continue;
      if (kind !== '' && messages.kind[i] !== +kind) continue;
      if (lost && messages.took[i] !== LOST) continue;
      ids.messages.push(i);
    }
    const workers = new Map();
    for (let i = 0; i < operations.start.length; i++) {
      if (node !== '' && nodes[operations.node[i]] !== node) continue;
      if (operation !== '' && operations.f[i] !== +operation) continue;
      ids.operations.push(i);
      const worker = operations.worker[i];
      if (!workers.has(worker)) workers.set(worker, []);
      workers.get(worker).push(i);
    }
    this.messages = new Index(ids.messages, messages.sent, messages.end);
    this.operations = new Index(ids.operations, operations.start, operations.until);
    // The operations of each worker, by node.
    const of = (worker) => new Index(workers.get(worker), operations.start, operations.until);
    this.workers = [...workers.keys()]
      .sort((a, b) => a % nodes.length - b % nodes.length || a - b)
      .map((worker) => ({ worker, operations: of(worker) }));
    this.usedLanes = new Set(ids.messages.flatMap((i) => [this.lane(messages.src[i]), this.lane(messages.dest[i])]));
  }

  lane(name) { return this.laneOf[name]; }

  isWithClient(i) {
    const { src, dest } = this.data.messages;
    return this.laneOf[src[i]] === 0 || this.laneOf[dest[i]] === 0;
  }

  describeMessage(i) {
    const { messages, names } = this.data, took = messages.took[i];
    const fate = took === LOST ? 'lost'
      : took === IN_FLIGHT ? 'still in flight at the end' : `took ${number(took / 1000)} ms`;
    return `${seconds(messages.sent[i])} s  ${names[messages.src[i]]} → ${names[messages.dest[i]]}, ${fate}: ${messages.body[i]}`;
  }

  describeOperation(i) {
    const { operations, nodes, functions } = this.data, end = operations.end[i];
    const outcome = end < 0 ? 'not completed'
      : `${OUTCOMES[operations.outcome[i]]} after ${number((end - operations.start[i]) / 1000)} ms`;
    const result = operations.result[i] ? ` → ${operations.result[i]}` : '';
    return `${seconds(operations.start[i])} s  process ${operations.process[i]} on ${nodes[operations.node[i]]}: ${functions[operations.f[i]]} ${operations.value[i]}, ${outcome}${result}`;
  }

  describe(kind, i) {
    return kind === 'messages' ? this.describeMessage(i) : this.describeOperation(i);
  }
}
