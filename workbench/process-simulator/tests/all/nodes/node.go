// Broadcast, in Go: a goroutine for each message, a ticker, and maps in random order.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"sync"
	"time"
)

type body struct {
	Type     string              `json:"type"`
	MsgID    *int                `json:"msg_id,omitempty"`
	Reply    *int                `json:"in_reply_to,omitempty"`
	NodeID   string              `json:"node_id,omitempty"`
	Topology map[string][]string `json:"topology,omitempty"`
	Message  *int                `json:"message,omitempty"`
	Values   []int               `json:"values,omitempty"`
	Messages *[]int              `json:"messages,omitempty"`
	At       int64               `json:"at,omitempty"`
}

type message struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Body body   `json:"body"`
}

var (
	mutex sync.Mutex
	name  string
	peers []string
	known = map[int]bool{}
	owed  = map[string]map[int]bool{}
)

func send(dest string, b body) {
	text, _ := json.Marshal(message{name, dest, b})
	fmt.Println(string(text))
}

func keys(set map[int]bool) []int {
	list := []int{}
	for key := range set {
		list = append(list, key)
	}
	return list
}

func learn(values []int, source string) {
	for _, value := range values {
		if known[value] {
			continue
		}
		known[value] = true
		for _, peer := range peers {
			if peer != source {
				owed[peer][value] = true
			}
		}
	}
}

func handle(m message) {
	mutex.Lock()
	defer mutex.Unlock()
	answer := body{Type: m.Body.Type + "_ok", Reply: m.Body.MsgID}
	switch m.Body.Type {
	case "init":
		name = m.Body.NodeID
	case "topology":
		peers = m.Body.Topology[name]
		for _, peer := range peers {
			owed[peer] = map[int]bool{}
		}
	case "broadcast":
		learn([]int{*m.Body.Message}, m.Src)
	case "read":
		all := keys(known)
		answer.Messages = &all
	case "gossip":
		learn(m.Body.Values, m.Src)
		answer = body{Type: "seen", Values: m.Body.Values}
	case "seen":
		for _, value := range m.Body.Values {
			delete(owed[m.Src], value)
		}
		return
	}
	send(m.Src, answer)
}

func main() {
	rand.Seed(time.Now().UnixNano())
	go func() {
		for range time.NewTicker(100 * time.Millisecond).C {
			time.Sleep(time.Duration(rand.Intn(10)) * time.Millisecond)
			mutex.Lock()
			for _, peer := range peers {
				if len(owed[peer]) > 0 {
					send(peer, body{Type: "gossip", Values: keys(owed[peer]), At: time.Now().UnixNano()})
				}
			}
			mutex.Unlock()
		}
	}()
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	for in.Scan() {
		var m message
		if json.Unmarshal(in.Bytes(), &m) == nil {
			go handle(m)
		}
	}
}
