package main

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"

	"tollgate/board/link"
	"tollgate/firmware/apply"
	"tollgate/firmware/policy"
)

// askAhead has it asked on the links whether other machines have the addresses of the policy that is to be in force, while the rest of
// the box is put together: half a second of a start is nothing but this question. The ports come up for it, so it waits until the packet
// filter lets nothing in. The addresses are given to the ports when the policy is put into force, if nobody has them. Whatever is wrong
// is told then, and what is asked in vain does no harm: the ports that are known are those of the policy that was in force last.
func (b *box) askAhead(ctx context.Context) error {
	b.network.asked = make(chan *link.Inquiry, 1)
	b.sources = &sources{kept: b.store, log: b.log}
	b.sources.recall()
	rev, configured, err := b.store.Confirmed()
	if err != nil || !configured || !b.options.Appliance {
		close(b.network.asked)
		return err
	}
	b.writeAhead(ctx, rev.Policy) // it reads the policy first, which takes longer than to read the ports alone
	go func() {
		defer close(b.network.asked)
		ports := b.knownPorts()
		if len(ports.Ports) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-b.shutting.done:
		}
		if b.shutting.err != nil {
			return
		}
		if asked, err := link.Inquire(ctx, ports); err == nil {
			b.network.asked <- asked
		}
	}()
	return nil
}

// The ports of the policy in force are kept, so that they are known at a start before the policy is read.
const (
	portsKind = "ports"
	portsKey  = "last"
)

// knownPorts are those that keepPorts has kept last; none when the addresses are found anew at each start.
func (b *box) knownPorts() (c link.Config) {
	value, found, err := b.store.Get(portsKind, portsKey)
	if err == nil && found {
		err = json.Unmarshal(value, &c)
	}
	if err != nil {
		b.log.Warn("the ports of before are not known", "err", err)
		return link.Config{}
	}
	return c
}

// keepPorts keeps the ports of a policy, when they are others than before.
func (b *box) keepPorts(p *policy.Policy) {
	var c link.Config
	if !p.Network.Wandering() {
		c = apply.Ports(p)
	}
	value, err := json.Marshal(c)
	if err == nil {
		var before []byte
		if before, _, err = b.store.Get(portsKind, portsKey); err == nil && !bytes.Equal(before, value) {
			err = b.store.Put(portsKind, portsKey, value)
		}
	}
	if err != nil {
		b.log.Warn("the ports are not kept", "err", err)
	}
}

// readOnce reads the policy that the store has kept, once for all who ask at a start.
type readOnce struct {
	mu     sync.Mutex // held while it is read: who comes meanwhile waits for the same
	doc    []byte
	policy *policy.Policy
	err    error
}

func (r *readOnce) parse(doc []byte) (*policy.Policy, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.doc == nil || !bytes.Equal(r.doc, doc) {
		r.policy, r.err = policy.ParseKept(doc)
		r.doc = doc
	}
	return r.policy, r.err
}
