package netfilter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"
)

// Options are what Open has to know.
type Options struct {
	Table string       // name of the table; default DefaultTable
	Log   *slog.Logger // default: nothing is logged
	// Adopt keeps the pinholes that an earlier process left open, until Settle. Its bans are kept in any case.
	Adopt bool
}

// Filter keeps one table in force. It is safe for concurrent use; changes are made one after the other.
type Filter struct {
	table string
	log   *slog.Logger

	found   bool       // Open found the table
	mu      sync.Mutex // guards all that follows, the connection included
	kernel  *kernel
	config  *Config // in force; nil before the first Set and after Remove
	trial   *trial  // beside it; nil: none
	rules   Ruleset // in force
	live    pinholes
	left    pinholes      // of an earlier process, until Settle
	blocked bans          // by the block list
	held    map[kept]bans // as the kernel has had them since Open, until the first Set
	bans    bans          // expired ones too, until forgotten
}

// Open connects to the kernel and changes nothing yet. It fails without CAP_NET_ADMIN or nf_tables, and when the table's
// name is taken by somebody else.
func Open(opts Options) (*Filter, error) {
	if opts.Table == "" {
		opts.Table = DefaultTable
	}
	if slug(opts.Table) != opts.Table || strings.ContainsAny(opts.Table[:1], "-0123456789") {
		return nil, fmt.Errorf("open filter: table name %q: letters, digits, _ and - only, and a letter first", opts.Table)
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	k, err := dial(opts.Table)
	if err != nil {
		return nil, fmt.Errorf("open filter: %w", err)
	}
	f := &Filter{table: opts.Table, log: opts.Log, kernel: k, live: pinholes{}, held: map[kept]bans{}}
	if err := f.adopt(opts.Adopt); err != nil {
		k.close()
		return nil, fmt.Errorf("open filter: table inet %s: %w", opts.Table, err)
	}
	return f, nil
}

// Found tells whether an earlier process had left the table when Open looked.
func (f *Filter) Found() bool { return f.found }

// Set puts the Config into force as one transaction: packets meet the old rules or the new ones, never none. It may be
// called again with the same Config, and repairs a table that was tampered with. Pinholes stay open and counters keep
// their values (packets of the few milliseconds it takes may go uncounted). On an error the old rules stay.
func (f *Filter) Set(ctx context.Context, c Config) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("set filter: %w", err)
	}
	if err := c.Check(); err != nil {
		return fmt.Errorf("set filter: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	before, first := f.rules, f.config == nil
	if f.trial != nil && f.trial.running() { // first under the trial, so that every set is filled before its rules are in force
		if err := f.apply(c.clone(), f.trial); err != nil {
			return fmt.Errorf("set filter: %w", err)
		}
	}
	if err := f.apply(c.clone(), nil); err != nil {
		return fmt.Errorf("set filter: %w", err)
	}
	if !first && f.rules.String() == before.String() {
		return nil // as so often; nothing to tell
	}
	f.log.Info("filter set", "table", f.table, "services", len(c.Services), "pinholes", len(f.live))
	for _, w := range c.Warnings() {
		f.log.Warn("filter: "+w, "table", f.table)
	}
	return nil
}

// apply puts a Config into force, and what is on trial beside it.
func (f *Filter) apply(c Config, on *trial) error {
	rules := c.ruleset(f.holes().ports())
	if on != nil && on.running() {
		rules = rules.onTrial(on.config.ruleset(f.holes().ports()), time.Until(on.until))
	}
	if err := f.replace(rules); err != nil {
		return err
	}
	f.config, f.trial = &c, on
	return f.catchUp()
}

// replace puts rules into force, with the pinholes and bans there are. A transaction is whole or nothing and replacing twice
// is harmless, so a failure of the netlink socket is answered by trying once more on a new one.
func (f *Filter) replace(rules Ruleset) error {
	rules.Table = f.table
	full := rules.with(f.holes().elements())
	err := f.kernel.replace(full, f.refill)
	if err != nil && !errors.Is(err, errForeign) {
		f.log.Warn("filter transaction failed, trying once more", "table", f.table, "error", err)
		err = f.kernel.replace(full, f.refill)
	}
	if err != nil {
		return err
	}
	f.rules = rules
	return nil
}

// refill returns what the ban sets hold, for a table that lacks them.
func (f *Filter) refill() map[string][]element {
	now := time.Now()
	f.bans.forget(now)
	all := f.bans.elements(bannedFor, now)
	maps.Copy(all, f.blocked.elements(blockedFor, now))
	return all
}

// Counters returns every named decision with its count, in the order in which the chains take them.
// Before the first Set there are none.
func (f *Filter) Counters() ([]Counter, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.config == nil {
		return nil, nil
	}
	values, err := f.kernel.counters()
	if err != nil {
		return nil, err
	}
	counters := make([]Counter, 0, len(f.rules.counters))
	for _, c := range f.rules.counters {
		v := values[c.Name]
		c.Packets, c.Bytes = v.Packets, v.Bytes
		counters = append(counters, c)
	}
	return counters, nil
}

// Remove deletes the table and forgets the pinholes. Nobody else's table is touched, and it is no error when there is
// nothing to delete. Set may follow.
func (f *Filter) Remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	have, err := f.kernel.read()
	if err != nil {
		return fmt.Errorf("remove filter: table inet %s: %w", f.table, err)
	}
	if have.exists {
		if err := f.kernel.remove(); err != nil {
			return fmt.Errorf("remove filter: %w", err)
		}
	}
	f.config, f.trial, f.rules, f.live, f.left = nil, nil, Ruleset{}, pinholes{}, nil
	return nil
}

// Close gives the netlink socket back and leaves the table in force. A later call opens a new one.
func (f *Filter) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kernel.close()
	return nil
}
