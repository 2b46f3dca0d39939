package stick

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"tollgate/firmware/bundle"
	"tollgate/firmware/delivery"
)

// report writes onto the stick what became of it. That it cannot be written is no fault: many a stick is locked.
func (d *Desk) report(ctx context.Context, s *State) {
	name := fmt.Sprintf("%s%s-%s.txt", bundle.ReportPrefix, FileName(d.o.Serial), time.Now().Format(time.DateOnly))
	if err := d.o.Reader.Write(ctx, s.Device, name, []byte(s.text(d.o.Serial, d.o.Recipient))); err != nil {
		d.o.Log.Info("no report on the stick", "device", s.Device, "why", err)
	}
}

// FileName is a serial number as part of the name of a file.
func FileName(serial string) string {
	if serial == "" {
		return "box"
	}
	return strings.Map(func(r rune) rune {
		if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '-'
	}, serial)
}

// text is the report: plain lines that any computer shows. Changes hold no secrets.
func (s *State) text(serial, recipient string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("Tollgate %s, %s", serial, s.At.Format("2006-01-02 15:04 MST"))
	if recipient != "" {
		line("Seal keys for this box with: age -r %s", recipient)
	}
	switch s.Phase {
	case Taken:
		line("The stick was taken. You may take it out.")
	default:
		line("The stick was refused, and nothing was changed:")
		for _, why := range slices.Collect(strings.Lines(s.Reason)) {
			line("  %s", strings.TrimSpace(why))
		}
	}
	if s.Signer != "" {
		line("Signed by %s, number %d.", s.Signer, s.number)
	}
	s.list(line)
	for _, why := range s.contents.Ignored {
		line("Left alone: %s", why)
	}
	return b.String()
}

// list tells what the files say.
func (s *State) list(line func(string, ...any)) {
	done := "would change"
	if s.Phase == Taken {
		done = "changed"
	}
	if _, there := s.contents.Files[delivery.PolicyFile]; there || len(s.Changes) > 0 {
		line("%s: %d settings %s", delivery.PolicyFile, len(s.Changes), done)
		for _, c := range s.Changes {
			line("  %s", c)
		}
	}
	if s.Release != "" {
		line("System %s: the next start tries it. Restart the box on its page, or switch it off and on.", s.Release)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Entries)) {
		line("%s: %d %s", name, s.Entries[name], entriesOf(name))
	}
}

// entriesOf says what the entries of a list are.
func entriesOf(name string) string {
	switch name {
	case delivery.BlockListFile:
		return "sources to keep away"
	case delivery.RatesFile:
		return "prices"
	}
	return "records, which count from the next start"
}
