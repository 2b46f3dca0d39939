package netfilter

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// OpenPinholes lets media in through all of the pinholes or, when it fails, none. Opens are counted: one that is opened
// twice has to be shut twice, so that a leg may open its new sources before it shuts the old ones, whether they differ or
// not. Pinholes of one local address add up.
func (f *Filter) OpenPinholes(holes ...Pinhole) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	holes = plainHoles(holes)
	for _, p := range holes {
		if err := f.checkPinhole(p); err != nil {
			return fmt.Errorf("open pinhole %s %v: %w", p.Side, p.Local, err)
		}
	}
	before := f.holes().at(holes)
	for _, p := range holes {
		f.live.open(p)
	}
	if err := f.move(before); err != nil {
		for _, p := range holes {
			f.live.shut(p)
		}
		return fmt.Errorf("open pinholes: %w", err)
	}
	return nil
}

// ShutPinholes takes back one opening of each of the pinholes; a flow through them ends with the next packet. Shutting
// what is not open is no error.
func (f *Filter) ShutPinholes(holes ...Pinhole) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	holes = plainHoles(holes)
	before := f.holes().at(holes)
	for _, p := range holes {
		f.live.shut(p)
	}
	if err := f.move(before); err != nil {
		return fmt.Errorf("shut pinholes: %w", err)
	}
	return nil
}

func plainHoles(holes []Pinhole) []Pinhole {
	plain := make([]Pinhole, len(holes))
	for i, p := range holes {
		plain[i] = p.plain()
	}
	return plain
}

func (f *Filter) checkPinhole(p Pinhole) error {
	if f.config == nil {
		return errors.New("the filter has no configuration yet")
	}
	err := f.config.checkLocal(p)
	if err != nil && f.trial != nil && f.trial.running() {
		err = f.trial.config.checkLocal(p)
	}
	if err != nil {
		return err
	}
	if faults := checkPrefixes("source", p.Sources); len(faults) > 0 {
		return errors.Join(faults...)
	}
	if len(p.Sources) == 0 {
		return errors.New("no source of the local address's family")
	}
	return nil
}

// checkLocal tells why a pinhole cannot lead where it leads.
func (c *Config) checkLocal(p Pinhole) error {
	switch {
	case !slices.Contains(c.sides(), p.Side):
		return errors.New("no such side")
	case !slices.ContainsFunc(c.port(p.Side).Addresses, func(a netip.Addr) bool { return plainAddr(a) == p.Local.Addr() }):
		return fmt.Errorf("%v is not an address of the box on this side", p.Local.Addr())
	case !c.Media.contains(p.Local.Port()):
		return fmt.Errorf("port %d is not a media port (%d-%d)", p.Local.Port(), c.Media.Low, c.Media.High)
	}
	return nil
}

// move brings the kernel from the sources that spots had to those that they have, in one transaction. Where that fails -
// the table was flushed by somebody, the socket broke - the whole table is put into force again.
func (f *Filter) move(before map[spot][]netip.Prefix) error {
	if f.config == nil {
		return nil // removed since
	}
	err := f.moveElements(before)
	if err == nil {
		return nil
	}
	f.log.Warn("pinhole transaction failed, setting the whole table", "table", f.table, "error", err)
	return f.apply(*f.config, f.trial)
}

func (f *Filter) moveElements(before map[spot][]netip.Prefix) error {
	if err := f.kernel.ready(); err != nil {
		return err
	}
	add, remove, holes := map[string][]element{}, map[string][]element{}, f.holes()
	for s, sources := range before {
		now := holes.sources(s)
		s.gather(add, now, sources)
		s.gather(remove, sources, now)
	}
	return f.change(add, remove)
}

// gather adds a spot's elements to those of each set: for the sources that are in the first list and not in the second.
func (s spot) gather(bySet map[string][]element, sources, others []netip.Prefix) {
	for _, p := range sources {
		if !slices.Contains(others, p) {
			name := s.setFor(p)
			bySet[name] = append(bySet[name], pinholeElement(p, s.local))
		}
	}
}

// change sends elements to add and to remove, by set, as one transaction. A set that the rules in force lack - a live
// pinhole on an address that the side has lost - is passed over. Each element to be removed is added first, because
// removing one that is missing would fail the whole transaction.
func (f *Filter) change(add, remove map[string][]element) error {
	b := f.kernel.short.begin()
	for _, s := range f.rules.sets {
		for old := range slices.Chunk(remove[s.name], elementsAMessage) {
			b.change(unix.NFT_MSG_NEWSETELEM, f.table, s, old)
			b.change(unix.NFT_MSG_DELSETELEM, f.table, s, old)
		}
		for fresh := range slices.Chunk(add[s.name], elementsAMessage) {
			b.change(unix.NFT_MSG_NEWSETELEM, f.table, s, fresh)
		}
	}
	if err := f.kernel.short.commit(b); err != nil {
		return errors.Join(err, f.kernel.reopen())
	}
	return nil
}
