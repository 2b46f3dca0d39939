package api

import (
	"strings"
	"testing"
)

// View, Drops, BlockList and Block make the office a Filter.
func (o *office) View() (FilterView, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return FilterView{Text: "table inet tollgate {\n}\n", Banned: 2, Chains: []FilterChain{{Name: "early"}}}, o.err
}

func (o *office) Drops() []Drop { return []Drop{{Reason: "banned", Source: "203.0.113.7", Count: 3}} }

func (o *office) BlockList() BlockList { return BlockList{Sources: 1, Text: "203.0.113.7\n"} }

func (o *office) Block(text, who string) (BlockList, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.who, o.why = who, text
	return BlockList{Sources: 2, Who: who}, o.err
}

func TestTheFilterIsLookedAtAndItsBlockListReplaced(t *testing.T) {
	b, c := newOwnedBench(t)
	if v := body[FilterView](t, b.get("/api/v1/filter", c)); v.Text == "" || v.Banned != 2 || len(v.Chains) != 1 || v.Chains[0].Rules == nil {
		t.Errorf("view %+v", v)
	}
	type drops struct{ Drops []Drop }
	if d := body[drops](t, b.get("/api/v1/filter/drops", c)); len(d.Drops) != 1 || d.Drops[0].Reason != "banned" {
		t.Errorf("drops %+v", d)
	}
	if l := body[BlockList](t, b.get("/api/v1/blocklist", c)); l.Sources != 1 {
		t.Errorf("block list %+v", l)
	}
	if l := body[BlockList](t, b.post("/api/v1/blocklist", BlockListRequest{Text: "203.0.113.7\n203.0.113.8"}, c)); l.Sources != 2 ||
		b.box.who != "admin at 192.0.2.10" || b.box.why != "203.0.113.7\n203.0.113.8" {
		t.Errorf("block list %+v by %q of %q", l, b.box.who, b.box.why)
	}
	long := strings.Repeat("203.0.113.7 # seen\n", 3<<20/19) // 3 MiB
	if body[BlockList](t, b.post("/api/v1/blocklist", BlockListRequest{Text: long}, c)); b.box.why != long {
		t.Errorf("of a long list %d bytes came", len(b.box.why))
	}
	for _, path := range []string{"/api/v1/filter", "/api/v1/filter/drops", "/api/v1/blocklist"} {
		wantProblem(t, b.get(path), NotLoggedIn)
	}
	wantProblem(t, b.post("/api/v1/blocklist", BlockListRequest{}), NotLoggedIn)
	b.box.err = &Conflict{Detail: "The block list has faults:\nline 3: nonsense.", Remedy: "Correct these lines."}
	wantProblem(t, b.post("/api/v1/blocklist", BlockListRequest{Text: "nonsense"}, c), NotNow)
}
