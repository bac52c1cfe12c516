// Unique ids with a race: between reading the counter and writing it, the goroutine logs.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

type message struct {
	Src  string         `json:"src"`
	Dest string         `json:"dest"`
	Body map[string]any `json:"body"`
}

var (
	name    string
	counter int
)

func handle(m message) {
	answer := map[string]any{"type": m.Body["type"].(string) + "_ok", "in_reply_to": m.Body["msg_id"]}
	if m.Body["type"] == "init" {
		name = m.Body["node_id"].(string)
	} else {
		number := counter
		fmt.Fprintln(os.Stderr, "number", number)
		counter = number + 1
		answer["id"] = fmt.Sprintf("%s-%d", name, number)
	}
	text, _ := json.Marshal(message{name, m.Src, answer})
	fmt.Println(string(text))
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var m message
		if json.Unmarshal(in.Bytes(), &m) == nil {
			go handle(m)
		}
	}
}
