package netfilter

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// OpenPinhole lets media in. Opens are counted: one that is opened twice has to be shut twice, so that a leg may open
// its new sources before it shuts the old ones, whether they differ or not. Pinholes of one local address add up.
func (f *Filter) OpenPinhole(p Pinhole) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	p = p.plain()
	if err := f.checkPinhole(p); err != nil {
		return fmt.Errorf("open pinhole %s %v: %w", p.Side, p.Local, err)
	}
	before := f.live.sources(p.spot())
	f.live.open(p)
	if err := f.move(p.spot(), before); err != nil {
		f.live.shut(p)
		return fmt.Errorf("open pinhole %s %v: %w", p.Side, p.Local, err)
	}
	return nil
}

// ShutPinhole takes back one OpenPinhole with the same values; a flow through it ends with the next packet. Shutting
// what is not open is no error.
func (f *Filter) ShutPinhole(p Pinhole) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	p = p.plain()
	before := f.live.sources(p.spot())
	if !f.live.shut(p) {
		return nil
	}
	if err := f.move(p.spot(), before); err != nil {
		return fmt.Errorf("shut pinhole %s %v: %w", p.Side, p.Local, err)
	}
	return nil
}

func (f *Filter) checkPinhole(p Pinhole) error {
	if f.config == nil {
		return errors.New("the filter has no configuration yet")
	}
	if !slices.Contains(f.config.sides(), p.Side) {
		return errors.New("no such side")
	}
	if !slices.ContainsFunc(f.config.port(p.Side).Addresses, func(a netip.Addr) bool { return plainAddr(a) == p.Local.Addr() }) {
		return fmt.Errorf("%v is not an address of the box on this side", p.Local.Addr())
	}
	if !f.config.Media.contains(p.Local.Port()) {
		return fmt.Errorf("port %d is not a media port (%d-%d)", p.Local.Port(), f.config.Media.Low, f.config.Media.High)
	}
	if faults := checkPrefixes("source", p.Sources); len(faults) > 0 {
		return errors.Join(faults...)
	}
	if len(p.Sources) == 0 {
		return errors.New("no source of the local address's family")
	}
	return nil
}

// move brings the kernel from the sources that a spot had to those that it has. Where that fails - the table was
// flushed by somebody, the socket broke - the whole table is put into force again.
func (f *Filter) move(s spot, before []netip.Prefix) error {
	if f.config == nil {
		return nil // removed since
	}
	err := f.moveElements(s, before)
	if err == nil {
		return nil
	}
	f.log.Warn("pinhole transaction failed, setting the whole table", "table", f.table, "error", err)
	return f.apply(*f.config)
}

func (f *Filter) moveElements(s spot, before []netip.Prefix) error {
	if err := f.kernel.ready(); err != nil {
		return err
	}
	add, remove := f.live.elementsOf(s), elementsOf(s, before)
	for name, list := range add {
		add[name] = without(list, remove[name])
		remove[name] = without(remove[name], list)
	}
	return f.change(add, remove)
}

// change sends elements to add and to remove, by set, as one transaction. A set that the rules in force lack - a live
// pinhole on an address that the side has lost - is passed over.
func (f *Filter) change(add, remove map[string][]element) error {
	for _, s := range f.rules.sets {
		if len(add[s.name])+len(remove[s.name]) == 0 {
			continue
		}
		if err := f.kernel.change(s, add[s.name], remove[s.name]); err != nil {
			return errors.Join(err, f.kernel.reopen())
		}
	}
	return f.kernel.flush()
}
