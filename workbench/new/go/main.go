// A node that passes echo. `workbench doc` describes all requests, errors and services.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
)

type Message struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Body Body   `json:"body"`
}

// Body has the fields of a message: strings, float64, []any, map[string]any.
type Body map[string]any

var (
	nodeID  string // this node's name and those of all nodes, from init
	nodeIDs []string
	stdout  = json.NewEncoder(os.Stdout) // writes each message at once, as a line
)

func send(dest string, body Body) {
	if err := stdout.Encode(Message{nodeID, dest, body}); err != nil {
		log.Fatal(err)
	}
}

func reply(request Message, body Body) {
	if id, ok := request.Body["msg_id"]; ok {
		body["in_reply_to"] = id
		send(request.Src, body)
	}
}

func replyError(request Message, code int, text string) {
	reply(request, Body{"type": "error", "code": code, "text": text})
}

func onRequest(request Message) {
	switch request.Body["type"] {
	case "init":
		nodeID, _ = request.Body["node_id"].(string)
		ids, _ := request.Body["node_ids"].([]any)
		for _, id := range ids {
			nodeIDs = append(nodeIDs, fmt.Sprint(id))
		}
		log.Print(nodeID, " of ", nodeIDs)
		reply(request, Body{"type": "init_ok"})
	case "echo":
		if echo, ok := request.Body["echo"]; ok {
			reply(request, Body{"type": "echo_ok", "echo": echo})
		} else {
			replyError(request, 12, "malformed request: no echo")
		}
	// The next requests go here: "generate" for unique-ids, "broadcast", …
	default:
		replyError(request, 10, fmt.Sprint("not supported: ", request.Body["type"]))
	}
}

func main() {
	for input := bufio.NewReader(os.Stdin); ; {
		line, end := input.ReadBytes('\n')
		if end != nil {
			return
		}
		var message Message
		if err := json.Unmarshal(line, &message); err != nil || message.Body["type"] == nil {
			log.Printf("not a message (%v): %s", err, line)
		} else if _, isReply := message.Body["in_reply_to"]; !isReply {
			onRequest(message)
		} // else it is for the request that this node has sent with this number as its msg_id
	}
}
