package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/board/usb"
	"tollgate/firmware/apply"
	"tollgate/firmware/delivery"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/stick"
	"tollgate/firmware/store"
)

// aStick is a stick in a reader that knows no other.
type aStick map[string][]byte

func (s aStick) Read(context.Context, string) (usb.Contents, error) {
	return usb.Contents{Files: s}, nil
}

func (s aStick) Copy(context.Context, string, string, io.Writer, int64) error {
	return errors.New("torn")
}

func (s aStick) Write(context.Context, string, string, []byte) error { return errors.New("locked") }

// stickBench is as much of a box as a stick changes.
func stickBench(t *testing.T, parts ...apply.Part) (*box, *fence) {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "tollgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	log, f := slog.New(slog.DiscardHandler), &fence{}
	b := &box{store: s, log: log, config: apply.New(parts, s, &event.Hub{}, log)}
	if b.blockList, err = newBlockList(f, s); err != nil {
		t.Fatal(err)
	}
	b.taker = delivery.New(delivery.Options{Box: delivered{b}, Lists: b.lists(), Memory: bundles{b.store}, Serial: "B7"})
	return b, f
}

func (b *box) plug(s aStick) stick.State {
	d := stick.New(stick.Options{Reader: s, Taker: b.taker, Policy: b.policy, Serial: "B7", Log: b.log})
	d.Plugged(context.Background(), usb.Change{Device: "/dev/sda", Here: true})
	return *d.State()
}

const stickPolicy = `version: 1
site: {name: Lyon, country: FR, time_zone: Europe/Paris}
network:
  inside: {interface: eth0, address: 192.0.2.10/24}
  outside: {interface: eth1, address: 198.51.100.10/24}
pbx: {address: 192.0.2.20}
trunks:
  - {name: carrier-a, domain: a.example, transport: udp, accounts: [{user: alice, numbers: [+33423456700]}]}
`

func TestAStickConfiguresANewBoxForGood(t *testing.T) {
	b, f := stickBench(t)
	s := b.plug(aStick{delivery.PolicyFile: []byte(stickPolicy), delivery.BlockListFile: []byte("203.0.113.9\n")})
	if s.Phase != stick.Taken {
		t.Fatalf("%+v", s)
	}
	if p, rev, trial := b.config.Current(); p == nil || p.Site.Name != "Lyon" || trial || rev.Who != "USB stick" {
		t.Errorf("in force: %v of %q, trial %v", p, rev.Who, trial)
	}
	if len(f.list) != 1 {
		t.Errorf("blocked: %v", f.list)
	}
}

func TestWhatAStickChangesIsNotPutOnTrial(t *testing.T) {
	b, _ := stickBench(t)
	b.plug(aStick{delivery.PolicyFile: []byte(stickPolicy)})
	moved := strings.Replace(stickPolicy, "192.0.2.10/24", "192.0.2.11/24", 1)
	if err := (delivered{b}).Import(t.Context(), []byte(moved), "anna", "moved"); err != nil {
		t.Fatal(err)
	}
	if p, _, trial := b.config.Current(); trial || p.Network.Inside.Address.String() != "192.0.2.11/24" {
		t.Errorf("%s, trial %v", p.Network.Inside.Address, trial)
	}
}

func TestAPolicyThatDoesNotFitPutsTheBlockListBack(t *testing.T) {
	refuse := apply.Part{Name: "links", Set: func(_ context.Context, p *policy.Policy) error {
		if p != nil {
			return errors.New("there is no port eth1")
		}
		return nil
	}}
	b, f := stickBench(t, refuse)
	if _, err := b.blockList.set("198.51.100.0/24\n", "anna"); err != nil {
		t.Fatal(err)
	}
	s := b.plug(aStick{delivery.PolicyFile: []byte(stickPolicy), delivery.BlockListFile: []byte("203.0.113.9\n203.0.113.10\n")})
	if s.Phase != stick.Refused || !strings.Contains(s.Reason, "there is no port eth1") {
		t.Errorf("%+v", s)
	}
	if len(f.list) != 1 || f.list[0].String() != "198.51.100.0/24" || b.blockList.shown().Who != "anna" {
		t.Errorf("blocked: %v", f.list)
	}
	if p, _, _ := b.config.Current(); p != nil {
		t.Error("a policy is in force")
	}
}

func TestTheNumberOfTheLastBundleIsKept(t *testing.T) {
	b, _ := stickBench(t)
	k := bundles{b.store}
	if n, err := k.Last(); n != 0 || err != nil {
		t.Errorf("before there is one: %d, %v", n, err)
	}
	if err := k.Keep(7); err != nil {
		t.Fatal(err)
	}
	if n, err := k.Last(); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
