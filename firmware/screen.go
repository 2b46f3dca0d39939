package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"tollgate/board"
)

const (
	screenEvery = 2 * time.Second
	clearScreen = "\x1b[H\x1b[2J"
)

// screen is what the console of a machine of the box's own shows.
type screen struct {
	version, serial string
	pages           []string
	fingerprint     string
	recipient       string // for whoever seals something for the box
	mode            string
	password        string // empty: the box is claimed
	claimable       bool
	faults          []string
}

// text is the screen, for anybody who stands before the box.
func (s screen) text() string {
	var t strings.Builder
	line := func(name, value string) { fmt.Fprintf(&t, "  %-18s%s\n", name, value) }
	fmt.Fprintf(&t, "\n  Tollgate %s\n\n", s.version)
	if s.serial != "" {
		line("Serial number", s.serial)
	}
	switch len(s.pages) {
	case 0:
		line("Page", "no address yet: is the network cable plugged in?")
	default:
		line("Page", strings.Join(s.pages, "  "))
	}
	line("Its authority", "SHA-256 "+s.fingerprint)
	if s.recipient != "" {
		line("Seal for it with", "age -r "+s.recipient)
	}
	line("State", map[string]string{
		"setup": "set-up: there is no policy, and no call passes", "running": "running", "trial": "a policy is on trial: confirm it on the page", "draining": "stopping",
	}[s.mode])
	switch {
	case s.password != "" && s.claimable:
		line("First password", s.password+"   (user admin; it counts for 30 minutes after power-on or a press of the button)")
	case s.password != "":
		line("First password", "its time is over: switch the box off and on, or press its button, for another 30 minutes")
	}
	for _, f := range s.faults {
		line("Look at", f)
	}
	return t.String()
}

// showScreen keeps the screen on the console of a machine of the box's own. It is written anew only when something changes.
func (b *box) showScreen(ctx context.Context) error {
	if !b.options.Appliance {
		return nil
	}
	hardware := board.Read("/")
	b.log.Info("board", "model", hardware.Model, "kind", hardware.Kind, "serial", hardware.Serial, "does not tell", strings.Join(hardware.Missing, ", "))
	go b.keepScreen(ctx, os.Stdout)
	return nil
}

func (b *box) keepScreen(ctx context.Context, to io.Writer) {
	shown := ""
	for ctx.Err() == nil {
		if text := b.screen(ctx).text(); text != shown {
			shown = text
			io.WriteString(to, clearScreen+text) // a console that takes nothing has nobody before it
		}
		select {
		case <-ctx.Done():
		case <-time.After(screenEvery):
		}
	}
}

func (b *box) screen(ctx context.Context) screen {
	p, _, trial := b.config.Current()
	hardware := board.Read("/")
	_, fingerprint := b.authority.CA()
	faults := b.hardware.sentences()
	if b.time.unknown() {
		faults = append(faults, "no time server answers: certificates are judged by the last time that is known")
	}
	if b.network.faulty() != "" {
		faults = append(faults, "a network port is not as the policy wants it")
	}
	s := screen{version: b.options.Version, serial: hardware.Serial, recipient: b.key.Recipient(), fingerprint: fingerprint, mode: b.mode(p, trial), faults: faults}
	if b.password != "" && b.claimed(ctx) {
		b.password = ""
	}
	s.password, s.claimable = b.password, b.window.open()
	addrs, port := []string{}, uint16(setupPagePort)
	if p != nil {
		port = p.Admin.Port
		addrs = append(addrs, b.current(ctx).Network.Inside.Address.Addr().String())
	} else if own, err := b.setupAddresses(); err == nil {
		for _, a := range own {
			addrs = append(addrs, a.Addr().String())
		}
	}
	for _, a := range addrs {
		s.pages = append(s.pages, pageURL(a, port))
	}
	return s
}

func pageURL(address string, port uint16) string {
	if strings.Contains(address, ":") {
		address = "[" + address + "]"
	}
	if port == setupPagePort {
		return "https://" + address + "/"
	}
	return fmt.Sprintf("https://%s:%d/", address, port)
}
