// A key-value store, in Go: each node passes what it is asked on to the bench's service lin-kv, and
// its answer back. The service is linearizable, so the nodes are, as long as they remember nothing.
//
//	go build -o /tmp/lin-kv workbench/examples/lin_kv.go
//	cargo workbench test -w lin-kv --bin /tmp/lin-kv --concurrency 2n --rate 50 --time-limit 5 \
//	    --nemesis partition --nemesis-interval 1
//
// Each request is served by a goroutine of its own, which asks the service and waits. So a slow
// answer holds up nobody else. Services are never cut off, so a partition is nothing to a node
// that does not talk to other nodes.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
)

// Body is what a message says. Values stay the text that they came as: keys and values of the
// store are nobody's business here.
type Body map[string]json.RawMessage

// Message is one line.
type Message struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Body Body   `json:"body"`
}

// Node sends messages, and knows who waits for which answer.
type Node struct {
	mutex   sync.Mutex // guards all that follows, and stdout
	name    string
	lastID  int
	waiting map[string]chan Body
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

// call sends a request under a number of our own, and waits for the answer to that number.
func (n *Node) call(dest string, body Body) Body {
	answer := make(chan Body, 1)
	n.mutex.Lock()
	n.lastID++
	id := fmt.Sprint(n.lastID)
	n.waiting[id] = answer
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

// reply answers a message, if it asks for an answer.
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
		if answer, ok := n.waiting[string(id)]; ok {
			delete(n.waiting, string(id))
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
		// Errors, too, are passed on as they are: theirs are those that our clients expect.
		go func() { n.reply(message, n.call("lin-kv", message.Body)) }()
	default:
		n.reply(message, Body{
			"type": json.RawMessage(`"error"`),
			"code": json.RawMessage("10"),
			"text": json.RawMessage(`"there are read, write and cas"`),
		})
	}
}

func main() {
	node := &Node{waiting: map[string]chan Body{}}
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
