package stick

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"tollgate/firmware/bundle"
	"tollgate/firmware/delivery"
	"tollgate/firmware/envelope"
	"tollgate/firmware/policy"
)

// mostBundle is more than any bundle of ours has, in bytes.
const mostBundle = 80 << 20

// bundle names the file of a stick that is a whole bundle; "": there is none.
func (s *State) bundle() (string, error) {
	var names []string
	for _, name := range append(slices.Sorted(maps.Keys(s.contents.Files)), slices.Sorted(maps.Keys(s.contents.Large))...) {
		if strings.HasSuffix(name, bundle.Suffix) {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
		return "", nil
	case len(names) > 1:
		return "", fmt.Errorf("the stick holds several bundles, %s: leave one of them", strings.Join(names, " and "))
	}
	for _, name := range slices.Sorted(maps.Keys(s.contents.Files)) {
		if delivery.Takes(name) || name == bundle.ManifestFile {
			return "", fmt.Errorf("the stick holds the bundle %s and %s beside it: leave one of them", names[0], name)
		}
	}
	return names[0], nil
}

// takeBundle takes a bundle as it comes from the stick, since it may be too large to be kept in memory. A pass phrase that does not
// open what it holds changes nothing, and is the error.
func (d *Desk) takeBundle(ctx context.Context, s *State, p *policy.Policy, name, phrase string) error {
	keys := d.o.Makers
	if p != nil {
		keys = append(delivery.Signers(p.Stick.Signers), keys...)
	}
	from, to := io.Pipe()
	go func() { to.CloseWithError(d.o.Reader.Copy(ctx, s.Device, name, to, mostBundle)) }()
	taken, err := d.o.Taker.Take(ctx, from, delivery.Order{Keys: keys, Who: "USB stick", Why: fromStick, Phrase: phrase})
	from.CloseWithError(err) // the reader need not go on
	switch {
	case errors.Is(err, envelope.ErrWrong):
		return err
	case errors.Is(err, envelope.ErrPhrase):
		d.seal(s)
		return nil
	case err != nil:
		d.refuse(ctx, s, fmt.Errorf("%s: %w", name, err))
		return nil
	}
	s.Signer, s.number, s.Changes, s.Entries = taken.Seal.Signer, taken.Seal.Number, taken.Changes, taken.Entries
	if taken.System != nil {
		s.Release = taken.System.Release
	}
	d.taken(ctx, s, s.by())
	return nil
}
