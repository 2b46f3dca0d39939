package scenario

import (
	"context"
	"errors"
	"fmt"
)

// money is a policy under which satellites may be called, for two euros: eight seconds at what they cost at worst. And a
// prefix may be called three times within a minute, whatever the day.
const (
	money = `
admission:
  classes: [national, mobile, freephone, international, satellite, special]
fraud:
  caller:
    day: {per_minute: 0, simultaneous: 0}
    night: {per_minute: 0, simultaneous: 0, calls: 0, sequential: 0}
    weekend: {per_minute: 0, simultaneous: 0, calls: 0, sequential: 0}
  prefix:
    day: {per_minute: 3}
    night: {per_minute: 3}
    weekend: {per_minute: 3}
  budgets: {prefix: 2, unfamiliar: 0}
`
	anywhere = `  - name: anywhere
    prefixes: ["+"]
    trunks: [carrier]`
)

// frauds are what becomes of calls that cost too much, or are too many.
func frauds() []Flow {
	return []Flow{
		{Name: "a running call ends when its money is gone, and both sides are told", Ladder: `
INVITE{to 00881612345678} -> INVITE{to +881612345678}
180                       <- 180
200                       <- 200
ACK                       -> ACK
BYE{Reason: ^SIP;cause=403} <-
                            -> BYE{Reason: ^SIP;cause=403}
200 ->
    <- 200
`},
		{Name: "its prefix is blocked, other calls are not", Play: func(ctx context.Context, w *world) error {
			return errors.Join(w.take(ctx, `
INVITE{to 00881612345679} ->
403                       <-
`), w.take(ctx, outbound+officeHangsUp), w.take(ctx, `
INVITE{to 112} -> INVITE{to 112}
200            <- 200
ACK            -> ACK
`+officeHangsUp))
		}},
		{Name: "a burst to one prefix is blocked, and released by hand", Play: burst},
	}
}

// burst calls Berlin until that is blocked, waits until a burst is over, and has somebody release it.
func burst(ctx context.Context, w *world) error {
	const passes = `
INVITE{to 004930123456} -> INVITE{to +4930123456}
486                     <- 486
`
	const refused = `
INVITE{to 004930123456} ->
403                     <-
`
	for i := range 3 {
		if err := w.take(ctx, passes); err != nil {
			return fmt.Errorf("call %d: %w", i+1, err)
		}
	}
	for _, ladder := range []string{refused, refused} {
		if err := w.take(ctx, ladder); err != nil {
			return fmt.Errorf("after the burst: %w", err)
		}
	}
	if err := w.command(ctx, "release", "prefix", "+4930"); err != nil {
		return err
	}
	return w.take(ctx, passes)
}
