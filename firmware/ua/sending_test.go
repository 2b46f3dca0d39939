package ua

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

// TestAnAnswerAtTheLastMomentOrATimeOutIsReportedAndNeverBoth has the answer come while the transaction gives up: whichever ends it is told
// to the call, which would wait for ever otherwise.
func TestAnAnswerAtTheLastMomentOrATimeOutIsReportedAndNeverBoth(t *testing.T) {
	asked := func(t *testing.T) (*Inbox, *Outgoing, *sending, *sip.Response) {
		near, _, end := pair(t, func(*Incoming) {})
		b := near.NewInbox()
		t.Cleanup(b.Close)
		req, err := options().Request()
		if err != nil {
			t.Fatal(err)
		}
		o, err := b.Send(t.Context(), req, them, end, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return b, o, o.sending, sip.NewResponseFromRequest(o.Request(), 200, "OK", nil)
	}
	next := func(t *testing.T, b *Inbox) (Event, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return b.Next(ctx)
	}
	synctest.Test(t, func(t *testing.T) {
		b, o, s, res := asked(t)
		s.end() // as fail begins
		if events := o.take(s, res); len(events) != 0 {
			t.Errorf("an answer to what was given up: %+v", events)
		}
		o.failed(s, sip.ErrTransactionTimeout) // as fail goes on
		if e, err := next(t, b); err != nil || !errors.Is(e.Err, sip.ErrTransactionTimeout) {
			t.Errorf("given up: %+v, %v", e, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b, o, s, res := asked(t)
		if events := o.take(s, res); len(events) != 1 || events[0].Response != res {
			t.Errorf("answered: %+v", events)
		}
		s.fail(sip.ErrTransactionTimeout)
		if e, err := next(t, b); err == nil {
			t.Errorf("answered, and yet: %+v", e)
		}
	})
}
