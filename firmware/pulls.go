package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/delivery"
	"tollgate/firmware/envelope"
	"tollgate/firmware/policy"
	"tollgate/firmware/pull"
	"tollgate/firmware/resolve"
)

// openPull makes who fetches bundles from the address of the policy.
func (b *box) openPull(context.Context) error {
	b.puller = pull.New(pull.Options{
		Client: pull.NewClient(b.dialName, time.Now), Memory: pulled{b}, Folder: b.options.State,
		Take: b.takePulled, Idle: b.idle, Restart: b.restartForSystem, Random: rand.Int64N, Log: b.log,
	})
	return nil
}

// pullBundles fetches for as long as the process lives.
func (b *box) pullBundles(ctx context.Context) error {
	go b.puller.Run(ctx)
	return nil
}

func (b *box) setPull(_ context.Context, p *policy.Policy) error {
	if p == nil || p.Updates.From == "" {
		b.puller.Set(pull.Config{})
		return nil
	}
	zone, err := zoneOf(p)
	if err != nil {
		return err
	}
	clock, when := policy.NewClock(p.Site, zone), p.Updates.When
	b.puller.Set(pull.Config{
		From: p.Updates.From, Every: p.Updates.Every(), Within: func(now time.Time) bool { return clock.Within(when, now) },
	})
	return nil
}

// takePulled takes the bundle in a file.
func (b *box) takePulled(ctx context.Context, path string) (system bool, err error) {
	p := b.policy()
	if p == nil {
		return false, fmt.Errorf("%w: there is no policy", pull.ErrLater)
	}
	f, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("%w: %w", pull.ErrLater, err)
	}
	defer f.Close()
	keys := slices.Concat(delivery.Signers(p.Updates.Signers), b.makers())
	taken, err := b.taker.Take(ctx, f, delivery.Order{Keys: keys, Who: p.Updates.From, Why: "fetched from " + p.Updates.From})
	switch {
	case errors.Is(err, delivery.ErrBusy):
		err = fmt.Errorf("%w: %w", pull.ErrLater, err)
	case errors.Is(err, envelope.ErrPhrase): // a pass phrase that is kept on the box would be no secret of a person any more
		err = fmt.Errorf("%w; nobody is there when it is fetched: seal it for this box instead (age -r %s), or bring it by the page", err, b.key.Recipient())
	}
	return taken.System != nil, err
}

// idle tells that nobody speaks.
func (b *box) idle() bool { return b.desk.Idle() }

// restartForSystem restarts the machine for the system that was fetched.
func (b *box) restartForSystem() {
	b.log.Warn("the machine restarts for the system that was fetched")
	if err := b.systems.Restart("the updates of the policy"); err != nil {
		b.log.Error("no restart", "err", err)
	}
}

// dialTime is how long one server of a name may take to be reached.
const dialTime = 10 * time.Second

// dialName reaches a host by the name servers of the policy.
func (b *box) dialName(ctx context.Context, network, addr string) (net.Conn, error) {
	host, digits, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return nil, err
	}
	answer, err := b.resolver.Locate(ctx, resolve.Query{Host: host, Port: uint16(port), Transport: policy.TLSTransport})
	if err != nil {
		return nil, err
	}
	return dialFirst(ctx, network, answer.Order(rand.Uint64N))
}

// dialFirst reaches the first server that answers.
func dialFirst(ctx context.Context, network string, servers []netip.AddrPort) (net.Conn, error) {
	errs := []error{errors.New("no server was reached")}
	for _, server := range servers {
		dialer := net.Dialer{Timeout: dialTime}
		conn, err := dialer.DialContext(ctx, network, server.String())
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// pulled keeps what was fetched last.
type pulled struct{ *box }

// The record that holds it.
const (
	pulledKind = "pulled"
	pulledKey  = "last"
)

func (k pulled) Load() (m pull.Mark, err error) {
	value, found, err := k.store.Get(pulledKind, pulledKey)
	if err != nil || !found {
		return m, err
	}
	if err := json.Unmarshal(value, &m); err != nil {
		k.log.Error("what was fetched last is not known any more", "err", err)
		return pull.Mark{}, nil
	}
	return m, nil
}

func (k pulled) Save(m pull.Mark) error {
	value, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("keep what was fetched last: %w", err)
	}
	return k.store.Put(pulledKind, pulledKey, value)
}

// shownPull is what the page shows of it; nil: nothing is fetched.
func shownPull(s pull.State) *api.Pull {
	if s.From == "" {
		return nil
	}
	shown := &api.Pull{From: s.From, Outcome: string(s.Outcome), Reason: s.Reason}
	if !s.At.IsZero() {
		shown.At = &s.At
	}
	return shown
}
