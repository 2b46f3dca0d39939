package fraud

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Kind is what a block keeps from calling.
type Kind string

// The kinds: a caller's calls that cost, every call that costs to a prefix or country, every call out by a trunk.
const (
	BlockCaller Kind = "caller"
	BlockPrefix Kind = "prefix"
	BlockTrunk  Kind = "trunk"
)

// mostBlocks bounds the list; the oldest goes.
const mostBlocks = 2000

// Block is in force until somebody releases it.
type Block struct {
	Kind   Kind      `json:"kind"`
	Of     string    `json:"of"`
	Rule   string    `json:"rule"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
}

type blockKey struct {
	kind Kind
	of   string
}

// blocked finds what keeps a call from being made; nil: nothing.
func (w *Watch) blocked(caller, trunk string, d Destination) *Block {
	if len(w.blocks) == 0 {
		return nil
	}
	if trunk != "" {
		if b := w.blocks[blockKey{BlockTrunk, trunk}]; b != nil {
			return b
		}
	}
	if !d.Watched && d.Rate.Free() {
		return nil
	}
	if b := w.blocks[blockKey{BlockCaller, caller}]; b != nil {
		return b
	}
	if d.Prefix == "" {
		return nil
	}
	if b := w.blocks[blockKey{BlockPrefix, d.Prefix}]; b != nil {
		return b
	}
	return w.blocks[blockKey{BlockPrefix, d.Land}]
}

// block puts a block into force, and tells whether it is a new one. One that is there already stays as it is.
func (w *Watch) block(b Block) bool {
	k := blockKey{b.Kind, b.Of}
	if w.blocks[k] != nil || b.Of == "" {
		return false
	}
	if len(w.blocks) >= mostBlocks {
		oldest := w.list()[len(w.blocks)-1]
		delete(w.blocks, blockKey{oldest.Kind, oldest.Of})
	}
	w.blocks[k] = &b
	w.revision++
	return true
}

// Spent is what the calls of today have cost so far, and those of this night or day of the weekend; false: it is none.
func (w *Watch) Spent(now time.Time) (day, night Money, isNight bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.clock.at(now)
	a := w.account(accountKey{ofDay, ""}, m, now)
	a.settle(now)
	if m.period == Day {
		return a.spent, 0, false
	}
	n := w.account(accountKey{ofNight, ""}, m, now)
	n.settle(now)
	return a.spent, n.spent, true
}

// Blocks lists what is blocked, the latest first.
func (w *Watch) Blocks() []Block {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.list()
}

func (w *Watch) list() []Block {
	list := make([]Block, 0, len(w.blocks))
	for _, b := range w.blocks {
		list = append(list, *b)
	}
	slices.SortFunc(list, func(a, b Block) int {
		return cmp.Or(b.Since.Compare(a.Since), strings.Compare(string(a.Kind)+a.Of, string(b.Kind)+b.Of))
	})
	return list
}

// Release ends a block on somebody's word, and begins anew what led to it: the levels, and another budget as large. A country
// that is released counts as one where the office usually calls. It returns what was blocked; false: nothing was.
func (w *Watch) Release(kind Kind, of string, now time.Time) (Block, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := blockKey{kind, of}
	b, found := w.blocks[k]
	if !found {
		return Block{}, false
	}
	delete(w.blocks, k)
	w.revision++
	w.forgive(kind, of, now)
	return *b, true
}

// forgive gives who is released what he had at the beginning of the day.
func (w *Watch) forgive(kind Kind, of string, now time.Time) {
	keys := map[Kind][]scope{BlockCaller: {ofCaller, ofCallerUsual}, BlockPrefix: {ofPrefix, ofLand}, BlockTrunk: {ofTrunk}}[kind]
	for _, s := range keys {
		if a := w.accounts[accountKey{s, of}]; a != nil {
			a.settle(now)
			a.granted = a.spent
			w.spending.right(a)
			a.levels.forget(now)
			a.levels.minute = time.Time{}
		}
		for told := range w.told {
			if told.of == (accountKey{s, of}) {
				delete(w.told, told)
			}
		}
	}
	if kind == BlockPrefix {
		if l := w.lands[of]; l != nil {
			l.Known = true
		}
	}
}
