#!/usr/bin/env node
// Unique ids with a race: between reading the counter and writing it, the handler waits for a timer.
'use strict';
const readline = require('node:readline');

let name = null;
let counter = 0;

async function handle({ src, body }) {
  const answer = { type: `${body.type}_ok`, in_reply_to: body.msg_id };
  if (body.type === 'init') {
    name = body.node_id;
  } else {
    const number = counter;
    await new Promise((resolve) => setTimeout(resolve, 5));
    counter = number + 1;
    answer.id = `${name}-${number}`;
  }
  process.stdout.write(JSON.stringify({ src: name, dest: src, body: answer }) + '\n');
}

readline.createInterface({ input: process.stdin }).on('line', (line) => handle(JSON.parse(line)));
