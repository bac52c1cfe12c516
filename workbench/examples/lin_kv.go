// A key-value store, in Go: each node forwards requests to the bench's service lin-kv, and returns
// its answers. The service is linearizable, so the nodes are, too, as they keep no state.
//
//	go build -o /tmp/lin-kv workbench/examples/lin_kv.go
//	cargo workbench test -w lin-kv --bin /tmp/lin-kv --concurrency 2n --rate 50 --time-limit 5 \
//	    --nemesis partition --nemesis-interval 1
//	cargo workbench storm -w lin-kv --bin /tmp/lin-kv --time-limit 5 --faults partition \
//	    --seeds 0..6
//
// Each request is served by its own goroutine, which calls the service and waits. So a slow answer
// delays no other request. Partitions do not separate nodes from services, so they have no effect
// on nodes that send nothing to one another.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
)

// Body is the content of a message. Values stay unparsed, since nodes do not interpret the keys and
// values of the store.
type Body map[string]json.RawMessage

// Message is one line.
type Message struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Body Body   `json:"body"`
}

// Node sends messages, and matches answers to pending calls.
type Node struct {
	mutex   sync.Mutex // guards the fields below, and stdout
	name    string
	lastID  int
	pending map[string]chan Body
}

// send writes one message. The caller holds the mutex.
func (n *Node) send(dest string, body Body) {
	line, err := json.Marshal(Message{n.name, dest, body})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	os.Stdout.Write(append(line, '\n'))
}

// call sends a request with a new msg_id, and waits for the answer to it.
func (n *Node) call(dest string, body Body) Body {
	answer := make(chan Body, 1)
	n.mutex.Lock()
	n.lastID++
	id := fmt.Sprint(n.lastID)
	n.pending[id] = answer
	request := Body{"msg_id": json.RawMessage(id)}
	for _, name := range []string{"type", "key", "value", "from", "to"} {
		if value, ok := body[name]; ok {
			request[name] = value
		}
	}
	n.send(dest, request)
	n.mutex.Unlock()
	return <-answer
}

// reply answers a message, if it expects an answer.
func (n *Node) reply(to Message, body Body) {
	if id, ok := to.Body["msg_id"]; ok {
		body["in_reply_to"] = id
		n.mutex.Lock()
		defer n.mutex.Unlock()
		n.send(to.Src, body)
	}
}

func (n *Node) onMessage(message Message) {
	if id, ok := message.Body["in_reply_to"]; ok {
		n.mutex.Lock()
		defer n.mutex.Unlock()
		if answer, ok := n.pending[string(id)]; ok {
			delete(n.pending, string(id))
			answer <- message.Body
		}
		return
	}
	switch string(message.Body["type"]) {
	case `"init"`:
		n.mutex.Lock()
		n.name = message.Dest
		n.mutex.Unlock()
		n.reply(message, Body{"type": json.RawMessage(`"init_ok"`)})
	case `"read"`, `"write"`, `"cas"`:
		// Errors are forwarded unchanged, too: clients expect the service's error codes.
		go func() { n.reply(message, n.call("lin-kv", message.Body)) }()
	default:
		n.reply(message, Body{
			"type": json.RawMessage(`"error"`),
			"code": json.RawMessage("10"),
			"text": json.RawMessage(`"the request types are read, write and cas"`),
		})
	}
}

func main() {
	node := &Node{pending: map[string]chan Body{}}
	input := bufio.NewReader(os.Stdin) // lines may have any length
	for {
		line, err := input.ReadBytes('\n')
		var message Message
		if bad := json.Unmarshal(line, &message); bad == nil {
			node.onMessage(message)
		} else if err != io.EOF || len(line) > 0 {
			fmt.Fprintf(os.Stderr, "%v in %q\n", bad, line)
		}
		if err != nil {
			return
		}
	}
}
