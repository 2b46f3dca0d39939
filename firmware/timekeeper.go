package main

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/board/clock"
	"tollgate/firmware/policy"
)

// The last time known is kept, so that a clock without power does not fall behind it.
const (
	clockKind = "clock"
	clockKey  = "known"
)

// Times of the time.
const (
	timeWait   = 3 * time.Second        // trunks wait for the time, but no longer: calls for help cannot
	askSoon    = 500 * time.Millisecond // between questions until the time is known, doubled each time
	askLater   = 17 * time.Minute
	alarmAfter = time.Minute // without the time, before somebody is told
	noteEvery  = time.Hour   // the last time known: a write to the card
	timePort   = 123
)

// timekeeper keeps the clock of a machine of the box's own. The zero value knows no servers.
type timekeeper struct {
	mu      sync.Mutex // guards everything below
	named   []netip.AddrPort
	asking  time.Time // since when; zero: nobody is asked
	known   bool      // most servers have agreed since the start
	changed chan struct{}
	first   chan struct{} // closed when the time is known
	vain    chan struct{} // closed when every server named has said that it is none
}

// clampClock sets the clock of a machine of the box's own to the latest moment that must have passed: boards without a battery
// begin in 1970, and with that no certificate would be valid, nor any that is made now.
func (b *box) clampClock(decided time.Time) {
	if !b.options.Appliance {
		return
	}
	b.time.begin()
	var kept time.Time
	if value, found, err := b.store.Get(clockKind, clockKey); err == nil && found {
		kept, _ = time.Parse(time.RFC3339, string(value)) // a damaged one is none
	}
	by, err := clock.Clamp(built(), imageMade(releasePath), decided, kept)
	if err != nil {
		b.log.Error("the clock is behind what has passed", "err", err)
	} else if by > 0 {
		b.log.Warn("the clock was behind: it begins where it was known last", "by", by.Round(time.Second))
	}
}

// imageMade is when the image was made; zero when that is not known.
func imageMade(path string) time.Time {
	text, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), "built="); found {
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				return time.Unix(n, 0)
			}
		}
	}
	return time.Time{}
}

// setTime says who is asked for the time, and waits a moment for the answer: what comes after it signs and verifies.
func (b *box) setTime(ctx context.Context, p *policy.Policy) error {
	if !b.options.Appliance {
		return nil
	}
	vain := b.time.ask(b.timeServers(p))
	if p == nil {
		return nil
	}
	timeout := time.NewTimer(timeWait)
	defer timeout.Stop()
	select {
	case <-b.time.first:
		return nil
	case <-vain:
	case <-timeout.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	b.log.Warn("the time is not known yet: certificates are judged by the last time that is")
	return nil
}

// timeServers are those of the policy, or else the router and those that DHCP has named.
func (b *box) timeServers(p *policy.Policy) []netip.AddrPort {
	if p != nil && len(p.Network.TimeServers) > 0 {
		return p.Network.TimeServers
	}
	lease := b.network.current()
	if p != nil {
		if l := b.network.leaseOf(p.Network.Outside.Interface); l.Address.IsValid() {
			lease = l
		}
	}
	addrs := lease.NTP
	if p != nil && p.Network.Gateway.IsValid() {
		addrs = append(addrs[:len(addrs):len(addrs)], p.Network.Gateway)
	} else if lease.Router.IsValid() {
		addrs = append(addrs[:len(addrs):len(addrs)], lease.Router)
	}
	var list []netip.AddrPort
	for _, a := range addrs {
		list = append(list, netip.AddrPortFrom(a, timePort))
	}
	return list
}

// begin makes a timekeeper that asks.
func (k *timekeeper) begin() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changed, k.first = make(chan struct{}, 1), make(chan struct{})
}

// ask says who is to be asked, from now on. What it returns is closed when each of them has said that it does not know.
func (k *timekeeper) ask(servers []netip.AddrPort) (vain <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.named, k.vain = servers, make(chan struct{})
	if k.asking.IsZero() {
		k.asking = time.Now()
	}
	if len(servers) == 0 {
		close(k.vain)
		return k.vain
	}
	select {
	case k.changed <- struct{}{}:
	default:
	}
	return k.vain
}

// refused notes that each of some servers has said that it does not know the time.
func (k *timekeeper) refused(servers []netip.AddrPort) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Equal(servers, k.named) {
		return // others are asked by now
	}
	select {
	case <-k.vain:
	default:
		close(k.vain)
	}
}

func (k *timekeeper) servers() []netip.AddrPort {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.named
}

// agreed notes that the time is known.
func (k *timekeeper) agreed() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.known {
		k.known = true
		close(k.first)
	}
}

// set tells whether the time is known.
func (k *timekeeper) set() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.known
}

// unknown tells whether the time has not been known for so long that somebody should look.
func (k *timekeeper) unknown() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.known && !k.asking.IsZero() && time.Since(k.asking) > alarmAfter
}

// keepTime keeps the clock right until ctx ends.
func (b *box) keepTime(ctx context.Context) error {
	if b.options.Appliance {
		go b.time.keep(ctx, b.adjust, b.noteTime)
	}
	return nil
}

// keep has the time asked until ctx ends: soon while it is not known, seldom then; and has it noted each hour.
func (k *timekeeper) keep(ctx context.Context, adjust func(context.Context, []netip.AddrPort) bool, note func(time.Time)) {
	wait := askSoon
	var noted time.Time
	for ctx.Err() == nil {
		if servers := k.servers(); len(servers) > 0 && adjust(ctx, servers) {
			wait = askLater
			if time.Since(noted) > noteEvery {
				noted = time.Now()
				note(noted)
			}
		} else {
			wait = min(2*wait, askLater)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		case <-k.changed:
			wait = askSoon
		}
	}
}

// adjust asks the servers, all at once, and sets the clock by most of them.
func (b *box) adjust(ctx context.Context, servers []netip.AddrPort) bool {
	samples, refused := askAll(ctx, servers, b.log)
	if refused == len(servers) {
		b.time.refused(servers)
	}
	best, err := clock.Agree(samples, len(servers))
	if err == nil {
		err = clock.Adjust(best.Offset)
	}
	if err != nil {
		b.log.Warn("the clock is not set", "err", err)
		return false
	}
	if best.Offset.Abs() > time.Second {
		b.log.Info("the clock is set", "by", best.Offset, "server", best.Server)
	}
	b.time.agreed()
	return true
}

// askAll asks servers and returns what they say, and how many have nobody who knows the time.
func askAll(ctx context.Context, servers []netip.AddrPort, log *slog.Logger) (samples []clock.Sample, refused int) {
	type answer struct {
		clock.Sample
		err error
	}
	answers := make(chan answer, len(servers))
	for _, s := range servers {
		go func() {
			sample, err := clock.Ask(ctx, s)
			answers <- answer{sample, err}
		}()
	}
	for range servers {
		switch a := <-answers; {
		case a.err == nil:
			samples = append(samples, a.Sample)
		case errors.Is(a.err, unix.ECONNREFUSED): // by the machine there (ICMP)
			refused++
			fallthrough
		default:
			log.Debug("no time", "err", a.err)
		}
	}
	return samples, refused
}

// noteTime keeps the time for the next start.
func (b *box) noteTime(now time.Time) {
	if err := b.store.Put(clockKind, clockKey, []byte(now.UTC().Format(time.RFC3339))); err != nil {
		b.log.Warn("the time is not kept for the next start", "err", err)
	}
}
