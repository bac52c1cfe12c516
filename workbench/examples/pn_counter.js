#!/usr/bin/env node
// A counter with increments and decrements, in JavaScript: a CRDT that gossips.
//
//     cargo workbench test -w pn-counter --bin workbench/examples/pn_counter.js --time-limit 5 \
//         --nemesis partition --nemesis-interval 1
//     cargo workbench storm -w pn-counter --bin workbench/examples/pn_counter.js --time-limit 5 \
//         --faults partition,loss,duplicate,delay,pause --seeds 0..6
//
// Each node counts only its own additions: one number for increments and one for decrements. Both
// only grow, so of two numbers of the same node the greater one is the newer one, and it does not
// matter how often, or in what order, they arrive. The value is the sum over all nodes.
//
// Twice a second each node sends all its numbers to all others. Every message holds the whole
// state, so no acknowledgements are needed: what a partition drops is part of the next message.
'use strict';
const readline = require('node:readline');

const GOSSIP_MS = 500;

let me = null;
let others = [];
const up = new Map(); // node -> sum of its increments
const down = new Map(); // node -> sum of its decrements

function send(dest, body) {
  process.stdout.write(JSON.stringify({ src: me, dest, body }) + '\n');
}

function total(counts) {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

// Keeps the greater number of each node.
function merge(counts, received) {
  for (const [node, count] of received) {
    counts.set(node, Math.max(count, counts.get(node) ?? 0));
  }
}

function gossip() {
  for (const node of others) {
    send(node, { type: 'counts', up: [...up], down: [...down] });
  }
}

// Handles a message and returns the answer, or null.
function onMessage(body) {
  switch (body.type) {
    case 'init':
      me = body.node_id;
      others = body.node_ids.filter((node) => node !== me);
      setInterval(gossip, GOSSIP_MS);
      return { type: 'init_ok' };
    case 'add': {
      const counts = body.delta < 0 ? down : up;
      counts.set(me, (counts.get(me) ?? 0) + Math.abs(body.delta));
      return { type: 'add_ok' };
    }
    case 'read':
      return { type: 'read_ok', value: total(up) - total(down) };
    case 'counts':
      merge(up, body.up);
      merge(down, body.down);
      return null;
    default:
      return { type: 'error', code: 10, text: `unknown request type: ${body.type}` };
  }
}

const lines = readline.createInterface({ input: process.stdin });
lines.on('line', (line) => {
  try {
    const { src, body } = JSON.parse(line);
    const answer = onMessage(body);
    if (answer && body.msg_id !== undefined) {
      send(src, { ...answer, in_reply_to: body.msg_id });
    }
  } catch (error) {
    // Stdout is for messages only; diagnostics go to stderr.
    console.error(`${error} in ${line}`);
  }
});
// The end of stdin ends the process, and with it the gossip.
lines.on('close', () => process.exit());
