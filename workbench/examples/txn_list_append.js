#!/usr/bin/env node
// Transactions over lists, in JavaScript: the whole database is one value of the bench's service
// lin-kv, and a transaction replaces it by compare-and-set.
//
//     cargo workbench test -w txn-list-append --bin workbench/examples/txn_list_append.js \
//         --time-limit 5 --nemesis partition --nemesis-interval 1
//
// A transaction reads the database, works on what it has read, and writes it back only if nobody
// else has written meanwhile; otherwise it begins anew. So transactions happen one after the other,
// each at the moment of its compare-and-set: they are strictly serializable, Maelstrom's default
// demand. One that only reads happens at the moment of its read.
//
// The price: all nodes contend for one value, and it travels there and back each time. A database
// of any size keeps one value a key, and under the root only pointers to them.
'use strict';
const readline = require('node:readline');

const ROOT = 'database';
const KEY_DOES_NOT_EXIST = 20;
const PRECONDITION_FAILED = 22;

let me = null;
let lastId = 0;
const waiting = new Map(); // number of a request -> who goes on when it is answered

function send(dest, body) {
  process.stdout.write(JSON.stringify({ src: me, dest, body }) + '\n');
}

// The answer to a request, whenever it comes.
function call(dest, body) {
  lastId += 1;
  send(dest, { ...body, msg_id: lastId });
  return new Promise((resolve) => waiting.set(lastId, resolve));
}

// The answer, or throws if it is an error other than the one that is allowed for.
async function store(body, allowed) {
  const answer = await call('lin-kv', { key: ROOT, ...body });
  if (answer.type === 'error' && answer.code !== allowed) {
    throw new Error(`lin-kv says ${answer.text}`);
  }
  return answer;
}

// The database, a list of [key, list]: keys are numbers, and those of a JSON object are strings.
async function load() {
  const { value } = await store({ type: 'read' }, KEY_DOES_NOT_EXIST);
  return value ?? [];
}

// What the database is after the transaction, and the transaction with all that it has read.
function apply(database, transaction) {
  const lists = new Map(database);
  const done = transaction.map(([f, key, value]) => {
    const list = lists.get(key);
    if (f === 'r') {
      return [f, key, list ?? null];
    }
    lists.set(key, [...(list ?? []), value]);
    return [f, key, value];
  });
  return { after: [...lists], done };
}

async function transact(transaction) {
  for (;;) {
    const before = await load();
    const { after, done } = apply(before, transaction);
    if (transaction.every(([f]) => f === 'r')) {
      return done;
    }
    const cas = { type: 'cas', from: before, to: after, create_if_not_exists: true };
    const answer = await store(cas, PRECONDITION_FAILED);
    if (answer.type === 'cas_ok') {
      return done;
    }
  }
}

// What is answered.
async function onRequest(body) {
  switch (body.type) {
    case 'init':
      me = body.node_id;
      return { type: 'init_ok' };
    case 'txn':
      return { type: 'txn_ok', txn: await transact(body.txn) };
    default:
      return { type: 'error', code: 10, text: `nobody here knows ${body.type}` };
  }
}

async function onLine(line) {
  try {
    const { src, body } = JSON.parse(line);
    if (body.in_reply_to !== undefined) {
      waiting.get(body.in_reply_to)?.(body);
      waiting.delete(body.in_reply_to);
      return;
    }
    const answer = await onRequest(body);
    if (body.msg_id !== undefined) {
      send(src, { ...answer, in_reply_to: body.msg_id });
    }
  } catch (error) {
    // Stdout is for messages alone. Whoever asked gets no answer, which leaves everything open.
    console.error(`${error} in ${line}`);
  }
}

readline.createInterface({ input: process.stdin }).on('line', onLine);
