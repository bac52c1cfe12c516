#!/usr/bin/env node
// Transactions over lists, in JavaScript: the whole database is one value of the bench's service
// lin-kv, and a transaction replaces it by compare-and-set.
//
//     cargo workbench test -w txn-list-append --bin workbench/examples/txn_list_append.js \
//         --time-limit 5 --nemesis partition --nemesis-interval 1
//     cargo workbench storm -w txn-list-append --bin workbench/examples/txn_list_append.js \
//         --time-limit 5 --faults partition --seeds 0..6
//
// A transaction reads the database, changes its copy, and writes it back only if the database has
// not changed meanwhile; otherwise it retries. So transactions take effect one after the other,
// each at the time of its compare-and-set: they are strictly serializable, Maelstrom's default
// requirement. A transaction that only reads takes effect at the time of its read.
//
// The cost: all nodes contend for one value, which is sent both ways each time. A larger database
// would keep one value per key, and only pointers to these under the root.
'use strict';
const readline = require('node:readline');

const ROOT = 'database';
const KEY_DOES_NOT_EXIST = 20;
const PRECONDITION_FAILED = 22;

let me = null;
let lastId = 0;
const pending = new Map(); // msg_id of a request -> function that takes its answer

function send(dest, body) {
  process.stdout.write(JSON.stringify({ src: me, dest, body }) + '\n');
}

// Sends a request and returns a promise of its answer.
function call(dest, body) {
  lastId += 1;
  send(dest, { ...body, msg_id: lastId });
  return new Promise((resolve) => pending.set(lastId, resolve));
}

// Calls lin-kv and returns its answer; throws on any error except the allowed one.
async function store(body, allowed) {
  const answer = await call('lin-kv', { key: ROOT, ...body });
  if (answer.type === 'error' && answer.code !== allowed) {
    throw new Error(`lin-kv answered: ${answer.text}`);
  }
  return answer;
}

// Reads the database: a list of [key, list], as keys are numbers and a JSON object's are strings.
async function load() {
  const { value } = await store({ type: 'read' }, KEY_DOES_NOT_EXIST);
  return value ?? [];
}

// Returns the database after the transaction, and the transaction with the values of its reads.
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

// Handles a request and returns the answer.
async function onRequest(body) {
  switch (body.type) {
    case 'init':
      me = body.node_id;
      return { type: 'init_ok' };
    case 'txn':
      return { type: 'txn_ok', txn: await transact(body.txn) };
    default:
      return { type: 'error', code: 10, text: `unknown request type: ${body.type}` };
  }
}

async function onLine(line) {
  try {
    const { src, body } = JSON.parse(line);
    if (body.in_reply_to !== undefined) {
      pending.get(body.in_reply_to)?.(body);
      pending.delete(body.in_reply_to);
      return;
    }
    const answer = await onRequest(body);
    if (body.msg_id !== undefined) {
      send(src, { ...answer, in_reply_to: body.msg_id });
    }
  } catch (error) {
    // Stdout is for messages only. The client gets no answer: its operation is indeterminate.
    console.error(`${error} in ${line}`);
  }
}

readline.createInterface({ input: process.stdin }).on('line', onLine);
