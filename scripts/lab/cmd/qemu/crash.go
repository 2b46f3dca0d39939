package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tollgate/scripts/lab/peer"
	"tollgate/scripts/lab/tone"
)

const (
	// often is a function that the program comes to twice a second, and process 1 never.
	often = "main.(*box).scene"
	// caller is what was at work then, which the program says with its last words.
	caller = "main.(*box).keepLight"
	// hearTime is how long is listened after a program has ended.
	hearTime = 2 * time.Second
)

// crash is an end of the program, as the page tells.
type crash struct {
	At   time.Time `json:"at"`
	How  string    `json:"how"`
	Text string    `json:"text"`
}

// outlives has the program end while a call is up, reads on the page how it has ended, and listens at both ends of the call.
func (w *world) outlives(ctx context.Context) (said string, err error) {
	call := w.branch.Outgoing()
	call.During = func(ctx context.Context) error {
		begun, before := time.Now(), strings.Count(w.box.Console(), running)
		if err := w.box.Crash(w.program, often); err != nil {
			return err
		}
		if err := w.well(ctx, before+1); err != nil {
			return err
		}
		took := time.Since(begun)
		last, err := w.lastWords(ctx)
		if err != nil {
			return err
		}
		said = fmt.Sprintf("%s, well again after %s", last.How, seconds(took))
		return w.stillTalk(ctx, call.From, call.To)
	}
	return said, w.branch.Talk(ctx, call)
}

// lastWords are those of the one time that the program has ended, as the page shows them.
func (w *world) lastWords(ctx context.Context) (crash, error) {
	list, err := w.crashes(ctx)
	if err == nil && (len(list) != 1 || !strings.Contains(list[0].Text, "runtime.abort") || !strings.Contains(list[0].Text, caller)) {
		err = fmt.Errorf("the page does not show how it has ended: %+v", list)
	}
	if err != nil {
		return crash{}, err
	}
	return list[0], nil
}

func (w *world) crashes(ctx context.Context) ([]crash, error) {
	var out struct {
		Crashes []crash `json:"crashes"`
	}
	err := w.page.JSON(ctx, http.MethodGet, "/api/v1/hardware", nil, &out)
	return out.Crashes, err
}

// stillTalk checks that two phones hear one another now, and that the page shows their call.
func (w *world) stillTalk(ctx context.Context, one, another *peer.Phone) error {
	if err := errors.Join(one.Mark(), another.Mark()); err != nil {
		return err
	}
	time.Sleep(hearTime)
	for _, end := range []struct{ who, other *peer.Phone }{{one, another}, {another, one}} {
		samples, err := end.who.HeardSince()
		if err != nil {
			return err
		}
		if j := tone.Judge(samples, end.other.Tone, end.who.Tone); !j.Heard() {
			return fmt.Errorf("%s hears %s no more: %s", end.who.Name, end.other.Name, j)
		}
	}
	s, err := w.ask(ctx)
	if err == nil && len(s.Calls) != 1 {
		err = fmt.Errorf("the page shows %d calls while one runs", len(s.Calls))
	}
	return err
}
