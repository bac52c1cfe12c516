#!/usr/bin/env node
// Broadcast, in JavaScript: events, timers, and a pool of threads that is mostly idle.
'use strict';
const readline = require('node:readline');

let name = null;
let peers = [];
const known = new Set();
const owed = new Map();

function send(dest, body) {
  process.stdout.write(JSON.stringify({ src: name, dest, body }) + '\n');
}

function learn(values, source) {
  for (const value of values) {
    if (known.has(value)) continue;
    known.add(value);
    for (const peer of peers) if (peer !== source) owed.get(peer).add(value);
  }
}

function gossip() {
  for (const peer of peers) {
    const values = [...owed.get(peer)];
    if (values.length > 0) send(peer, { type: 'gossip', values, at: Date.now() });
  }
  setTimeout(gossip, 100 + Math.random() * 10);
}

setTimeout(gossip, 100);
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { src, body } = JSON.parse(line);
  let answer = { type: `${body.type}_ok`, in_reply_to: body.msg_id };
  switch (body.type) {
    case 'init': name = body.node_id; break;
    case 'topology':
      peers = body.topology[name];
      for (const peer of peers) owed.set(peer, new Set());
      break;
    case 'broadcast': learn([body.message], src); break;
    case 'read': answer.messages = [...known]; break;
    case 'gossip':
      learn(body.values, src);
      answer = { type: 'seen', values: body.values };
      break;
    case 'seen':
      for (const value of body.values) owed.get(src).delete(value);
      return;
  }
  send(src, answer);
});
