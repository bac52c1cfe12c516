#!/usr/bin/env node
// A node that passes echo. `workbench doc` describes all requests, errors and services.

let nodeId = null; // this node's name and those of all nodes, from init
let nodeIds = [];

function send(dest, body) {
  process.stdout.write(JSON.stringify({ src: nodeId, dest, body }) + '\n');
}

function reply(request, body) {
  const { msg_id } = request.body;
  if (msg_id !== undefined) send(request.src, { ...body, in_reply_to: msg_id });
}

function replyError(request, code, text) {
  reply(request, { type: 'error', code, text });
}

const handlers = {
  __proto__: null, // so that only these types have a handler
  init(request) {
    ({ node_id: nodeId, node_ids: nodeIds } = request.body);
    console.error(`${nodeId} of ${nodeIds}`);
    reply(request, { type: 'init_ok' });
  },
  echo(request) {
    const { echo } = request.body;
    if (echo === undefined) return replyError(request, 12, 'malformed request: no echo');
    reply(request, { type: 'echo_ok', echo });
  },
  // The next handlers go here: generate for unique-ids, broadcast, …
};

function onLine(line) {
  try {
    const message = JSON.parse(line);
    const { type, in_reply_to } = message.body;
    if (typeof type !== 'string') throw new Error('no type');
    // A reply is for the request that this node has sent with its number as msg_id.
    if (in_reply_to !== undefined) return;
    if (type in handlers) handlers[type](message);
    else replyError(message, 10, `not supported: ${type}`);
  } catch (error) { // a node must survive whatever it receives
    console.error(`${error} in the message ${line}`);
  }
}

let rest = ''; // the beginning of a line
process.stdin.setEncoding('utf8').on('data', (chunk) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop();
  lines.forEach(onLine);
});
