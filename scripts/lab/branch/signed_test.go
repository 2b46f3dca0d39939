package branch_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
)

// The carrier checks with Kamailio's secsipid what the box has signed, and signs with it what the box judges, which fetches
// the certificate from secsipidx.
func TestCallsAreSignedAndTheSignaturesOfOthersAreJudged(t *testing.T) {
	if err := lab.Missing("secsipidx"); err != nil {
		t.Skip(err)
	}
	b := build(t, branch.Wishes{Signed: true})
	out, in := b.Outgoing(), b.Incoming()
	out.Seconds, in.Seconds = 1.5, 1.5
	talk(t, b, out)
	in.During = func(ctx context.Context) error {
		s, err := b.Box.Status(ctx)
		if err == nil && (len(s.Calls) != 1 || s.Calls[0].Signature.Result != "passed" || s.Calls[0].Signature.Attest != "A") {
			err = fmt.Errorf("the box shows %+v, want one call whose signature has passed", s.Calls)
		}
		return err
	}
	talk(t, b, in)
	if err := b.Distrust(); err != nil {
		t.Fatal(err)
	}
	if err := out.From.Dial(t.Context(), out.Number); err == nil || !strings.Contains(err.Error(), "438") {
		t.Errorf("the carrier knows another certificate: %v, want 438", err)
	}
}
