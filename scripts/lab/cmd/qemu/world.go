package main

import (
	"context"
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
	password  = "Copper-harbour-27-evening"
)

// world is the machine under test between an office and a carrier.
type world struct {
	image, floor, work, update, bad string

	branch          *branch.Branch
	inside, outside *os.File
	disk            string
	box             *machine.Machine
	page            *machine.Page
	policy          string // document that is in force

	first struct { // what became of the first stick
		stick  decision
		report string
	}

	nothing, running, paged, call time.Duration // figures, from power-on
	resident                      float64       // MB of the program at rest
}

func (w *world) close() {
	if w.box != nil {
		w.box.Cut()
	}
	if w.branch != nil {
		_ = w.branch.Close()
	}
}

func (w *world) prove(ctx context.Context) error {
	if err := step("the same kernel with nothing to start", w.startNothing(ctx)); err != nil {
		return err
	}
	if err := w.lay(ctx); err != nil {
		return err
	}
	if err := step("the new box has taken a stick that nobody signed", func() (string, error) { return w.first.report, nil }); err != nil {
		return err
	}
	for _, c := range w.branch.Checks() {
		if err := step(c.Claim, func() (string, error) { return c.Prove(ctx) }); err != nil {
			return err
		}
	}
	if err := w.proveSticks(ctx, true); err != nil {
		return err
	}
	if err := step("the power is cut: the policy is kept, and a call goes through", func() (string, error) { return w.again(ctx) }); err != nil {
		return err
	}
	if w.update != "" {
		if err := w.proveUpdates(ctx); err != nil {
			return err
		}
	}
	w.print()
	return nil
}

// startNothing measures what no system can be faster than.
func (w *world) startNothing(ctx context.Context) func() (string, error) {
	return func() (string, error) {
		disk, err := w.card(w.floor, "floor.img")
		if err != nil {
			return "", err
		}
		m, err := machine.Start(machine.Config{Disk: disk, Folder: w.work})
		if err != nil {
			return "", err
		}
		w.box = m
		defer m.Cut()
		ctx, cancel := context.WithTimeout(ctx, startTime)
		defer cancel()
		w.nothing, err = m.Await(ctx, "nothing: running", 1)
		return seconds(w.nothing), err
	}
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
	w.branch = branch.New(branch.Wishes{
		Laid: func(b *branch.Branch) (err error) {
			w.inside, w.outside, err = b.Lab.PlugMachine()
			return err
		},
		Machine: w.start,
		Amend:   func(document string) string { return signers(ports(document)) },
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
	w.policy = strings.Replace(policy, "  media_ports:", fmt.Sprintf("  gateway: %s\n  dns_servers: [%s]\n  media_ports:", n.CarrierGateway, n.Carrier), 1)
	var err error
	if w.disk, err = w.card(w.image, "box.img"); err != nil {
		return nil, err
	}
	if err := w.power(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if w.running, err = w.box.Await(ctx, "tollgate: running", 1); err != nil {
		return nil, err
	}
	if w.page, err = machine.NewPage(n.BoxInside.String()); err != nil {
		return nil, err
	}
	if err := w.page.Await(ctx); err != nil {
		return nil, err
	}
	w.paged = time.Since(w.box.Begun)
	if err := w.page.Claim(ctx, firstPassword(w.box.Console()), password); err != nil {
		return nil, err
	}
	if err := w.newBox(ctx); err != nil {
		return nil, err
	}
	return &branch.Box{Host: b.Lab.Box, Ask: w.ask, Slow: restTime}, nil
}

// power switches the machine on.
func (w *world) power() (err error) {
	w.box, err = machine.Start(machine.Config{Disk: w.disk, Folder: w.work, Ports: []machine.Port{
		{MAC: "02:00:00:00:01:01", Tap: w.inside}, {MAC: "02:00:00:00:01:02", Tap: w.outside},
	}})
	return err
}

// again cuts the power, switches the machine on again and has the office call as soon as the trunk is up.
func (w *world) again(ctx context.Context) (string, error) {
	rest, err := w.load(ctx)
	if err != nil {
		return "", err
	}
	w.resident = float64(rest.Resident) / 1e6
	w.box.Cut()
	if err := w.power(); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if _, err := w.box.Await(ctx, "tollgate: running", 1); err != nil {
		return "", err
	}
	if err := w.page.Await(ctx); err != nil {
		return "", err
	}
	if err := w.page.LogIn(ctx, password); err != nil {
		return "", err
	}
	if err := w.branch.Box.AwaitTrunk(ctx); err != nil {
		return "", err
	}
	call := w.branch.Outgoing()
	call.Seconds = 0
	call.During = func(context.Context) error {
		w.call = time.Since(w.box.Begun)
		return nil
	}
	err = w.branch.Talk(ctx, call)
	return "answered after " + seconds(w.call), err
}

// load is what the page says of the program's memory.
func (w *world) load(ctx context.Context) (l struct {
	Resident uint64 `json:"resident_bytes"`
}, err error) {
	overview := struct {
		Load any `json:"load"`
	}{&l}
	err = w.page.JSON(ctx, http.MethodGet, "/api/v1/overview", nil, &overview)
	return l, err
}

func (w *world) ask(ctx context.Context) (s branch.Status, err error) {
	err = w.page.JSON(ctx, http.MethodGet, "/api/v1/overview", nil, &s)
	return s, err
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

func (w *world) print() {
	fmt.Println()
	fmt.Printf("  power-on to a first process that does nothing   %s\n", seconds(w.nothing))
	fmt.Printf("  power-on to the program being well              %s\n", seconds(w.running))
	fmt.Printf("  power-on to the page                            %s\n", seconds(w.paged))
	fmt.Printf("  power-on to the first call, with a policy       %s\n", seconds(w.call))
	fmt.Printf("  memory of the program at rest                   %.0f MB\n", w.resident)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
