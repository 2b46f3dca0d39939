package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/firmware/api"
	"tollgate/firmware/supervise"
)

const (
	// proofEvery is how often the box examines itself; whoever supervises it expects to hear of it within 30 s.
	proofEvery = 5 * time.Second
	// proofTime is how long one examination may take, and a worker be at one piece of work.
	proofTime = 10 * time.Second
)

// proveWell tells whoever supervises this process that the start is over, and from then on, as long as the process lives, each
// time everything has proved that it does its work.
func (b *box) proveWell(context.Context) error {
	voice, err := supervise.NewVoice()
	if err != nil {
		return err
	}
	if err := voice.Ready(); err != nil {
		return err
	}
	go func() {
		for {
			time.Sleep(proofEvery) // at first too: a start has calls to take
			err := b.examine()
			fault := err
			if before, trial := b.systems.onTrial(); trial && fault == nil {
				fault = b.examineTrial(before)
			}
			b.systems.proved(fault, uptime(), time.Now())
			if err == nil {
				err = voice.Well()
			}
			if err != nil {
				b.log.Error("not well", "err", err)
			}
		}
	}()
	return nil
}

// uptime is how long the machine has been running; 0 when the kernel does not say.
func uptime() time.Duration {
	var s unix.Sysinfo_t
	if err := unix.Sysinfo(&s); err != nil {
		return 0
	}
	return time.Duration(s.Uptime) * time.Second
}

// examine has the parts that everything depends on do some work. Whatever hangs makes it hang too, but not for longer than
// proofTime.
func (b *box) examine() error {
	done := make(chan error, 1)
	go func() {
		done <- errors.Join(checked(api.CheckStore, b.storeWell()), checked(api.CheckSIP, b.workersWell()), checked(api.CheckPage, b.pageWell()))
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(proofTime):
		return checked(api.CheckHangs, fmt.Errorf("no answer for %v: something hangs", proofTime))
	}
}

func (b *box) storeWell() error {
	_, _, err := b.store.Get(boardKind, boardKey)
	return err
}

// workersWell looks at the readers of SIP and at the relay's workers.
func (b *box) workersWell() error {
	if d := b.edge.Busy(); d > proofTime {
		return fmt.Errorf("a reader of SIP has been at one message for %v", d)
	}
	b.loads.mu.Lock()
	judged, late := b.loads.judged, b.loads.shown.Late
	b.loads.mu.Unlock()
	if judged.IsZero() { // it has only just begun
		return nil
	}
	if d := time.Since(judged); d > proofTime {
		return fmt.Errorf("the relay has not said for %v how it is", d)
	}
	if limit := milliseconds(proofTime); late > limit {
		return fmt.Errorf("a worker of the relay is %.0f ms late", late)
	}
	return nil
}

// pageWell asks for what the page shows first, through the door of the command line: that goes through the server and asks
// every part that has calls, peers or rules how it is.
func (b *box) pageWell() error {
	ctx, cancel := context.WithTimeout(context.Background(), proofTime)
	defer cancel()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(b.options.State, api.SocketName))
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://tollgate/api/v1/overview", nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the page does not answer: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the page answers %s", res.Status)
	}
	return nil
}
