#!/usr/bin/env node
// A counter that goes up and down, in JavaScript: a CRDT that gossips.
//
//     cargo workbench test -w pn-counter --bin workbench/examples/pn_counter.js --time-limit 5 \
//         --nemesis partition --nemesis-interval 1
//
// Each node counts only what was added at itself: how much upwards, and how much downwards. Both
// numbers only ever grow, so of two that are told about the same node the greater one is the newer
// one, and it does not matter how often, or in what order, they arrive. The counter is the sum of
// what all nodes have counted.
//
// Everybody tells all others everything, twice a second. That is the whole truth each time, so
// nothing needs to be confirmed: what a partition swallows is part of the next message.
'use strict';
const readline = require('node:readline');

const GOSSIP_MS = 500;

let me = null;
let others = [];
const up = new Map(); // node -> what was added at it
const down = new Map(); // node -> what was taken away at it

function send(dest, body) {
  process.stdout.write(JSON.stringify({ src: me, dest, body }) + '\n');
}

function total(counts) {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

// Of what is known and what is told, the greater number of each node.
function merge(counts, told) {
  for (const [node, count] of told) {
    counts.set(node, Math.max(count, counts.get(node) ?? 0));
  }
}

function gossip() {
  for (const node of others) {
    send(node, { type: 'counts', up: [...up], down: [...down] });
  }
}

// What is answered; nothing if there is no answer.
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
      return { type: 'error', code: 10, text: `nobody here knows ${body.type}` };
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
    // Stdout is for messages alone; what a person should see goes to stderr.
    console.error(`${error} in ${line}`);
  }
});
// Whoever has nobody left to listen to does not go on talking.
lines.on('close', () => process.exit());
