package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/machine"
)

// Times that an emulated machine may take on a machine that has other things to do.
const (
	startTime = 4 * time.Minute
	restTime  = 90 * time.Second
	cardSize  = 1 << 30
	running   = "tollgate: running" // on the console, when the program is well
	password  = "Copper-harbour-27-evening"
)

// world is the machine under test between an office and a carrier.
type world struct {
	image, floor, packed, work, update, bad, key string
	program                                      string        // the one in the image
	idle                                         time.Duration // of the box, while it is measured what it writes
	short                                        bool          // only what takes no minutes
	cuts                                         int           // of the power, while things are written
	only                                         string        // of the sticks that are to change nothing: those whose name holds this

	branch          *branch.Branch
	inside, outside *os.File
	disk            string
	box             *machine.Machine
	page            *machine.Page
	policy          string             // document that the sticks bring
	maker           ed25519.PrivateKey // of updates; nil: there are none
	time            io.Closer          // the time server

	first struct { // what became of the first sticks
		password string // the name of the file that holds it
		word     string // the password itself
		stick    decision
		report   string
	}

	secretly map[string]bool // what the card held that a reset has to wipe

	paged, call time.Duration // from power-on
}

func (w *world) close() {
	if w.box != nil {
		w.box.Cut()
	}
	if w.branch != nil {
		_ = w.branch.Close()
	}
}

// part is something to be proved, and says what it saw.
type part struct {
	what  string
	prove func(context.Context) (string, error)
}

// steps runs parts in their order, a line each.
func steps(ctx context.Context, parts []part) error {
	for _, p := range parts {
		if err := step(p.what, func() (string, error) { return p.prove(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// prove is what scripts/qemu-test proves; the short one leaves out what takes minutes.
func (w *world) prove(ctx context.Context) error {
	if err := w.lay(ctx); err != nil {
		return err
	}
	first := []part{{"a stick in the new box got the first password", w.given}, {"the new box has taken a stick that nobody signed", w.reported}, {"the kernel hands the packets of many calls on together", w.together}}
	if err := steps(ctx, append(first, checks(w.branch)...)); err != nil {
		return err
	}
	if err := w.proveSticks(ctx, !w.short); err != nil {
		return err
	}
	if err := w.provePanel(ctx); err != nil {
		return err
	}
	if err := steps(ctx, []part{{"the power is cut: the policy is kept, and a call goes through", w.again}}); err != nil || w.short {
		return err
	}
	if err := w.proveFaults(ctx); err != nil {
		return err
	}
	if err := w.proveCuts(ctx, w.cuts); err != nil {
		return err
	}
	if err := w.proveUpdates(ctx); err != nil {
		return err
	}
	return w.proveReset(ctx)
}

// checks are the branch's own.
func checks(b *branch.Branch) (parts []part) {
	for _, c := range b.Checks() {
		parts = append(parts, part{c.Claim, c.Prove})
	}
	return parts
}

// panel proves nothing but what is pressed, brought and taken away by hand, and that the program may end.
func (w *world) panel(ctx context.Context) error {
	if err := w.lay(ctx); err != nil {
		return err
	}
	first := []part{
		{"a stick in the new box got the first password", w.given},
		{"a call goes through", func(ctx context.Context) (string, error) { return "", w.calls(ctx, nil) }},
	}
	if err := steps(ctx, first); err != nil {
		return err
	}
	if err := w.provePanel(ctx); err != nil || w.short {
		return err
	}
	return w.proveReset(ctx)
}

// updates proves nothing but updates.
func (w *world) updates(ctx context.Context) error {
	if err := w.lay(ctx); err != nil {
		return err
	}
	return w.proveUpdates(ctx)
}

// soak proves nothing but power cuts.
func (w *world) soak(ctx context.Context) error {
	if err := w.lay(ctx); err != nil {
		return err
	}
	return w.proveCuts(ctx, w.cuts)
}

// card copies an image onto a larger card.
func (w *world) card(image, name string) (string, error) {
	path := filepath.Join(w.work, name)
	from, err := os.Open(image)
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := os.Create(path)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(to, from)
	return path, errors.Join(err, to.Truncate(cardSize), to.Close())
}

// lay builds the branch with the machine in the box's place.
func (w *world) lay(ctx context.Context) error {
	if err := w.readMaker(); err != nil {
		return err
	}
	w.branch = branch.New(branch.Wishes{
		Laid: func(b *branch.Branch) (err error) {
			w.inside, w.outside, err = b.Lab.PlugMachine()
			return err
		},
		Machine: w.start,
		Amend:   func(document string) string { return w.signers(ports(document)) },
	})
	for _, s := range w.branch.Steps() {
		if err := step(s.Name, func() (string, error) { return "", s.Run(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// ports names the ports as the machine does, and where it finds names.
func ports(document string) string {
	document = strings.Replace(document, "interface: "+lab.BoxInside+"\n", "interface: eth0\n", 1)
	return strings.Replace(document, "interface: "+lab.BoxOutside+"\n", "interface: eth1\n", 1)
}

// start switches the machine on, claims it by its page and brings it the policy on a stick.
func (w *world) start(ctx context.Context, b *branch.Branch, policy string) (*branch.Box, error) {
	n := b.Lab.Net
	if err := errors.Join(
		machine.Lend(b.Lab.PBX, b.Lab.BoxInsidePrefix(), n.PBX),
		machine.Names(b.Lab.Carrier, map[string]netip.Addr{branch.CarrierDomain: n.Carrier, branch.OfficeDomain: n.PBX}),
	); err != nil {
		return nil, err
	}
	w.policy = strings.Replace(policy, "  media_ports:", fmt.Sprintf("  gateway: %s\n  dns_servers: [%s]\n  time_servers: [%[2]s]\n  media_ports:", n.CarrierGateway, n.Carrier), 1)
	var err error
	if w.time, err = machine.Time(b.Lab.Carrier); err != nil {
		return nil, err
	}
	if w.disk, err = w.card(w.image, "box.img"); err != nil {
		return nil, err
	}
	if err := w.power(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if _, err := w.box.Await(ctx, running, 1); err != nil {
		return nil, err
	}
	if w.page, err = machine.NewPage(n.BoxInside.String()); err != nil {
		return nil, err
	}
	if err := w.page.Await(ctx); err != nil {
		return nil, err
	}
	w.paged = time.Since(w.box.Begun)
	if err := w.claims(ctx); err != nil {
		return nil, err
	}
	if err := w.newBox(ctx); err != nil {
		return nil, err
	}
	return &branch.Box{Host: b.Lab.Box, Ask: w.ask, Slow: restTime}, nil
}

// power switches the machine on.
func (w *world) power(words ...string) (err error) {
	w.box, err = machine.Start(machine.Config{Disk: w.disk, Folder: w.work, Words: words, Ports: []machine.Port{
		{MAC: "02:00:00:00:01:01", Tap: w.inside}, {MAC: "02:00:00:00:01:02", Tap: w.outside},
	}})
	return err
}

// again cuts the power, switches the machine on again and has the office call as soon as the carrier has registered the trunk; nobody
// asks the machine for anything before.
func (w *world) again(ctx context.Context) (string, error) {
	w.box.Cut()
	return w.fromPower(ctx)
}

// fromPower is again for a machine that is off.
func (w *world) fromPower(ctx context.Context) (string, error) {
	before := w.branch.Carrier.Registrations()
	if err := w.power(); err != nil {
		return "", err
	}
	if err := w.registered(ctx, before); err != nil {
		return "", err
	}
	call := w.branch.Outgoing()
	call.Seconds = 0
	call.During = func(context.Context) error {
		w.call = time.Since(w.box.Begun)
		return nil
	}
	if err := w.branch.Talk(ctx, call); err != nil {
		return "", err
	}
	return "answered after " + seconds(w.call), w.well(ctx, 1)
}

// registered waits until the trunk has registered since it had done so before times.
func (w *world) registered(ctx context.Context, before int) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for w.branch.Carrier.Registrations() == before {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return errors.New("the trunk does not register")
		}
	}
	return nil
}

func (w *world) ask(ctx context.Context) (s branch.Status, err error) {
	err = w.page.JSON(ctx, http.MethodGet, "/api/v1/overview", nil, &s)
	return s, err
}

// together tells whether the kernel takes the program that steers packets: the relay goes on without, at more of a price.
func (w *world) together(ctx context.Context) (string, error) {
	var overview struct {
		Load struct {
			Together bool `json:"together"`
		} `json:"load"`
	}
	err := w.page.JSON(ctx, http.MethodGet, "/api/v1/overview", nil, &overview)
	if err == nil && !overview.Load.Together {
		err = errors.New("it does not: the console says why")
	}
	return "", err
}

// firstPassword is what the machine's screen shows until it is claimed, after the words that say so.
func firstPassword(console string) string {
	for line := range strings.Lines(console) {
		if words := strings.Fields(line); len(words) > 2 && words[0] == "First" && words[1] == "password" {
			return words[2]
		}
	}
	return ""
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
