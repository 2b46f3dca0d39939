package delivery

import (
	"context"
	"errors"
	"fmt"

	"tollgate/firmware/bundle"
	"tollgate/firmware/policy"
)

// Settings are files that may be taken.
type Settings struct {
	Changes []policy.Change
	Sources int // of the block list; 0 when there is none
	files   map[string][]byte
}

// Examine checks every file of settings; nothing changes.
func (t *Taker) Examine(files map[string][]byte) (Settings, error) {
	s := Settings{files: files}
	doc, policyThere := files[PolicyFile]
	list, listThere := files[BlockListFile]
	if !policyThere && !listThere {
		return s, fmt.Errorf("there is nothing for this box: it takes %s and %s", PolicyFile, BlockListFile)
	}
	var errs []error
	var err error
	if policyThere {
		if s.Changes, err = t.o.Box.Examine(doc); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", PolicyFile, err))
		}
	}
	if listThere {
		if s.Sources, err = t.o.Box.CheckBlockList(string(list)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", BlockListFile, err))
		}
	}
	return s, errors.Join(errs...)
}

// Check tells what the seal of a folder's files is worth, as bundle.Check does.
func (t *Taker) Check(files map[string][]byte, keys []bundle.Key) (bundle.Seal, error) {
	last, err := t.o.Memory.Last()
	if err != nil {
		return bundle.Seal{}, err
	}
	return bundle.Check(files, bundle.Trust{Keys: keys, Serial: t.o.Serial, Last: last})
}

// Put puts settings into force, all of them or none. number is that of their bundle; 0: they are not signed.
func (t *Taker) Put(ctx context.Context, s Settings, number uint64, who, why string) error {
	if !t.work.TryLock() {
		return ErrBusy
	}
	defer t.work.Unlock()
	return t.settle(ctx, s, number, who, why)
}

func (t *Taker) settle(ctx context.Context, s Settings, number uint64, who, why string) error {
	// The number goes first: what was cut off in the middle can be signed anew, what comes twice cannot be undone.
	if number > 0 {
		if err := t.o.Memory.Keep(number); err != nil {
			return err
		}
	}
	undo := func() {}
	if list, there := s.files[BlockListFile]; there {
		var err error
		if undo, err = t.o.Box.Block(string(list), who); err != nil {
			return fmt.Errorf("%s: %w", BlockListFile, err)
		}
	}
	if doc, there := s.files[PolicyFile]; there {
		if err := t.o.Box.Import(ctx, doc, who, why); err != nil {
			undo()
			return fmt.Errorf("%s: %w", PolicyFile, err)
		}
	}
	return nil
}

// Signers are the keys of a policy's signers: they may sign settings.
func Signers(signers []policy.Signer) []bundle.Key {
	list := make([]bundle.Key, len(signers))
	for i, s := range signers {
		list[i] = bundle.Key{Name: s.Name, Key: s.Public(), May: bundle.Settings}
	}
	return list
}
