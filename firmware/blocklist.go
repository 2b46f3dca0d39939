package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/api"
	"tollgate/firmware/store"
)

// The record that holds the block list.
const (
	blockListKind = "filter"
	blockListKey  = "blocklist"
)

// blocker is the packet filter as far as the block list goes.
type blocker interface {
	Block(list []netip.Prefix) (int, error)
}

// blockList keeps the sources that reach nothing, over a restart too.
type blockList struct {
	filter blocker
	store  *store.Store

	mu  sync.Mutex // guards everything below
	now keptBlockList
	n   int // sources
}

type keptBlockList struct {
	Text string    `json:"text"`
	Who  string    `json:"who"`
	At   time.Time `json:"at"`
}

// newBlockList takes up the list that an earlier run has kept.
func newBlockList(f blocker, s *store.Store) (*blockList, error) {
	b := &blockList{filter: f, store: s}
	value, found, err := s.Get(blockListKind, blockListKey)
	if err != nil || !found {
		return b, err
	}
	var kept keptBlockList
	if err := json.Unmarshal(value, &kept); err != nil {
		return nil, fmt.Errorf("read the block list: %w", err)
	}
	return b, b.put(kept)
}

// set replaces the list. A list with faults changes nothing.
func (b *blockList) set(text, who string) (api.BlockList, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.now
	next := keptBlockList{Text: text, Who: who, At: time.Now()}
	if err := b.put(next); err != nil {
		return api.BlockList{}, err
	}
	value, err := json.Marshal(next)
	if err == nil {
		err = b.store.Put(blockListKind, blockListKey, value)
	}
	if err != nil {
		_ = b.put(before) // it was in force a moment ago
		return api.BlockList{}, fmt.Errorf("keep the block list: %w", err)
	}
	return b.show(), nil
}

// put has the filter keep away what a list names.
func (b *blockList) put(next keptBlockList) error {
	list, err := access.ReadBlockList(next.Text)
	if err != nil {
		return &api.Conflict{Detail: fmt.Sprintf("The block list has faults:\n%v.", err), Remedy: "Correct these lines; nothing was changed."}
	}
	n, err := b.filter.Block(list)
	if err != nil {
		return err
	}
	b.now, b.n = next, n
	return nil
}

func (b *blockList) shown() api.BlockList {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.show()
}

func (b *blockList) show() api.BlockList {
	return api.BlockList{Sources: b.n, At: moment(b.now.At), Who: b.now.Who, Text: b.now.Text}
}

// openBlockList comes before the first rules, so that they begin with it.
func (b *box) openBlockList(context.Context) (err error) {
	b.blockList, err = newBlockList(b.filter, b.store)
	if c := (*api.Conflict)(nil); errors.As(err, &c) {
		b.log.Error("the block list that was kept is left aside", "err", err)
		return nil
	}
	return err
}
