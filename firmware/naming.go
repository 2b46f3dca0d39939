package main

import (
	"context"
	"strings"

	"tollgate/board"
	"tollgate/board/mdns"
	"tollgate/firmware/policy"
)

// pageNames are the host names the page answers to, besides its addresses: those that the box can have on the office's link,
// and the one a name server may know it by.
func (b *box) pageNames() []string {
	return append([]string{"tollgate"}, linkNames(board.Read("/").Serial)...)
}

// linkNames are those that the box tries to have by multicast DNS, in this order. The second is the box's alone.
func linkNames(serial string) []string {
	names := []string{"tollgate.local"}
	plain := func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}
	if own := strings.Map(plain, strings.ToLower(serial)); own != "" {
		names = append(names, "tollgate-"+own[:min(len(own), 32)]+".local")
	}
	return names
}

// setName has the office find the page by name, where the machine is the box's own. Elsewhere names are the operating
// system's business.
func (b *box) setName(_ context.Context, p *policy.Policy) error {
	if !b.options.Appliance {
		return nil
	}
	c := mdns.Config{Names: linkNames(board.Read("/").Serial)}
	if p != nil {
		c.Interface, c.Asking = p.Network.Inside.Interface, p.Network.Inside.Prefixes
		c.Own = append(c.Own, p.Network.Inside.Address.Addr())
	} else {
		addrs, err := b.setupAddresses()
		if err != nil {
			return err
		}
		c.Interface = b.setupPort()
		for _, a := range addrs {
			c.Own, c.Asking = append(c.Own, a.Addr()), append(c.Asking, a.Masked())
		}
	}
	b.responder.Set(c)
	return nil
}
