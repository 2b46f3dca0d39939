package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tollgate/scripts/lab/branch"
)

// Lengths of the calls that come and go while the demo stays; the phones have two minutes to say.
const (
	longCall  = 50
	shortCall = 25
	pause     = 5 * time.Second
)

// stay tells where the page is and keeps calls running until ctx ends or the box does.
func stay(ctx context.Context, w io.Writer, b *branch.Branch) error {
	b.StopCaptures()
	fmt.Fprintf(w, `
  The box is running, with a call out and calls in coming and going.

    web page        %s   (this machine has the address %s in the office)
    first password  %s
    logs            %s

  Ctrl-C ends everything and removes it.
`, b.Box.Page(), b.Lab.Net.Host, b.Box.FirstPassword(), b.Folder())
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	faults := make(chan error, 2)
	go func() { faults <- again(ctx, b, b.Outgoing(), longCall) }()
	go func() { faults <- again(ctx, b, b.Incoming(), shortCall) }()
	var fault error
	select {
	case <-b.Box.Process.Done():
		fault = errors.New("the box ended by itself")
		cancel(fault)
	case fault = <-faults:
		cancel(fault)
		<-faults
		return fault
	}
	<-faults
	<-faults
	return fault
}

// again places the same call over and over.
func again(ctx context.Context, b *branch.Branch, c branch.Conversation, seconds float64) error {
	c.Seconds = seconds
	for {
		if err := b.Talk(ctx, c); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// keepLogs copies logs and configurations out of the lab's folder, but no captures and recordings: they are large.
func keepLogs(from, to string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !entry.Type().IsRegular() || large(name) {
			return err
		}
		relative, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		return os.WriteFile(target, b, 0o600)
	})
}

func large(name string) bool {
	switch filepath.Ext(name) {
	case ".wav", ".pcap":
		return true
	}
	return false
}
