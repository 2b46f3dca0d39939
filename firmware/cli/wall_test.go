package cli

import (
	"sync"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/api"
)

// wall is a packet filter with one rule and a block list.
type wall struct {
	mu   sync.Mutex // guards list
	list api.BlockList
}

// View shows the rule.
func (w *wall) View() (api.FilterView, error) {
	return api.FilterView{Text: "table inet tollgate {\n\tchain early {\n\t}\n}\n", Banned: 3, Blocked: w.BlockList().Sources}, nil
}

// Drops has one line.
func (w *wall) Drops() []api.Drop {
	return []api.Drop{{At: time.Now(), Reason: "banned", Why: "source is banned", Interface: "eth1", Protocol: "udp", Source: "203.0.113.66", To: "198.51.100.10:5060", Count: 41}}
}

// BlockList says what was brought.
func (w *wall) BlockList() api.BlockList {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.list
}

// Block reads a list as the box does.
func (w *wall) Block(text, who string) (api.BlockList, error) {
	list, err := access.ReadBlockList(text)
	if err != nil {
		return api.BlockList{}, &api.Conflict{Detail: err.Error(), Remedy: "Correct these lines; nothing was changed."}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = api.BlockList{Sources: len(list), Who: who, Text: text}
	return w.list, nil
}
