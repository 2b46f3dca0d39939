package phones

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"
)

// The record that holds the bindings, and how long changes wait for others: a branch that registers at once is one write, and so are
// all the refreshes of a quarter of an hour, which phones behind a router send each minute.
const (
	recordKind = "phones"
	recordKey  = "bindings"
	saveAfter  = 2 * time.Second
	renewAfter = 15 * time.Minute
)

// record is what is kept: the key that tokens are made with, and the bindings that they stand for.
type record struct {
	Seal     []byte `json:"seal"`
	Bindings []kept `json:"bindings"`
}

// load takes up what an earlier run has kept.
func (p *Phones) load() error {
	value, found, err := p.o.Records.Get(recordKind, recordKey)
	if err != nil {
		return fmt.Errorf("read the phones' bindings: %w", err)
	}
	var r record
	if found {
		if err := json.Unmarshal(value, &r); err != nil {
			p.o.Log.Error("the phones' bindings cannot be read; all have to register anew", "err", err)
			r = record{}
		}
	}
	if len(r.Seal) == 0 {
		r.Seal = make([]byte, 32)
		rand.Read(r.Seal) // never fails (crypto/rand)
	}
	p.seal = r.Seal
	for _, k := range r.Bindings {
		if latest := time.Now().Add(anywhere); k.Until.Before(latest) { // it may have been refreshed since it was written
			k.Until = earlier(k.Until.Add(renewAfter), latest)
		}
		p.bindings[k.Token] = &binding{kept: k}
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// changed has the bindings kept soon, renewed when there is something else to write or much has come together. p.mu is held.
func (p *Phones) changed() { p.saveIn(saveAfter) }

func (p *Phones) renewed() { p.saveIn(renewAfter) }

func (p *Phones) saveIn(wait time.Duration) {
	at := time.Now().Add(wait)
	if p.saving != nil {
		if !at.Before(p.saveAt) {
			return
		}
		p.saving.Stop()
	}
	p.saveAt, p.saving = at, time.AfterFunc(wait, p.save)
}

func (p *Phones) save() {
	p.mu.Lock()
	p.saving = nil
	r := record{Seal: p.seal, Bindings: make([]kept, 0, len(p.bindings))}
	for _, b := range p.bindings {
		r.Bindings = append(r.Bindings, b.kept)
	}
	p.mu.Unlock()
	value, err := json.Marshal(r)
	if err == nil {
		err = p.o.Records.Put(recordKind, recordKey, value)
	}
	if err != nil {
		p.o.Log.Error("the phones' bindings are not kept; after a restart they have to register anew", "err", err)
	}
}
