package delivery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tollgate/firmware/bundle"
	"tollgate/firmware/policy"
)

// Settings are files that may be taken.
type Settings struct {
	Changes []policy.Change
	Entries map[string]int // how many each list has, by the name of its file

	document []byte // nil: the policy stays
	files    map[string][]byte
}

// Examine checks every file of settings, which Open has opened; nothing changes.
func (t *Taker) Examine(files map[string][]byte) (Settings, error) {
	s := Settings{Entries: map[string]int{}, files: files}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(files)), known) {
		return s, fmt.Errorf("there is nothing for this box: it takes %s, %s, %s and certificates such as page.crt", PolicyFile, BlockListFile, RatesFile)
	}
	var errs []error
	p, err := t.examinePolicy(&s)
	if err != nil {
		errs = append(errs, err)
	}
	for _, name := range lists() {
		list, there := files[name]
		if !there {
			continue
		}
		if s.Entries[name], err = t.o.Lists[name].Check(string(list), p); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return s, errors.Join(errs...)
}

// examinePolicy puts the document together and checks it. The policy is nil when none is brought, or a wrong one.
func (t *Taker) examinePolicy(s *Settings) (p *policy.Policy, err error) {
	if s.document, err = t.document(s.files); err != nil || s.document == nil {
		return nil, err
	}
	if p, s.Changes, err = t.o.Box.Examine(s.document); err != nil {
		return nil, fmt.Errorf("%s: %w", PolicyFile, err)
	}
	return p, nil
}

// document is the policy as the files make it: the one among them, or else the one in force, with certificates and keys in their
// places. nil: the files change none.
func (t *Taker) document(files map[string][]byte) ([]byte, error) {
	doc, placed := files[PolicyFile], map[string]string{}
	for name, content := range files {
		if is, _ := policy.CertificateFile(name); is {
			placed[name] = string(content)
		}
	}
	if len(placed) == 0 {
		return doc, nil
	}
	if doc == nil {
		if doc = t.o.Box.Document(); doc == nil {
			return nil, fmt.Errorf("there is no policy that could name %s: bring one with it", slices.Min(slices.Collect(maps.Keys(placed))))
		}
	}
	doc, err := policy.WithFiles(doc, placed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", PolicyFile, err)
	}
	return doc, nil
}

// Check tells what the seal of a folder's files is worth, as bundle.Check does.
func (t *Taker) Check(files map[string][]byte, keys []bundle.Key) (bundle.Seal, error) {
	last, err := t.o.Memory.Last()
	if err != nil {
		return bundle.Seal{}, err
	}
	return bundle.Check(files, bundle.Trust{Keys: keys, Serial: t.o.Serial, Names: t.o.Names, Last: last})
}

// Put puts settings into force, all of them or none. number is that of their bundle; 0: they are not signed.
func (t *Taker) Put(ctx context.Context, s Settings, number uint64, who, why string) error {
	if !t.work.TryLock() {
		return ErrBusy
	}
	defer t.work.Unlock()
	return t.settle(ctx, s, number, who, why)
}

func (t *Taker) settle(ctx context.Context, s Settings, number uint64, who, why string) (err error) {
	// The number goes first: what was cut off in the middle can be signed anew, what comes twice cannot be undone.
	if number > 0 {
		if err := t.o.Memory.Keep(number); err != nil {
			return err
		}
	}
	var undo []func()
	defer func() {
		for _, back := range slices.Backward(undo) {
			if err != nil {
				back()
			}
		}
	}()
	for _, name := range lists() {
		list, there := s.files[name]
		if !there {
			continue
		}
		back, err := t.o.Lists[name].Put(string(list), who)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		undo = append(undo, back)
	}
	if s.document == nil {
		return nil
	}
	if err := t.o.Box.Import(ctx, s.document, who, why); err != nil {
		return fmt.Errorf("%s: %w", PolicyFile, err)
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
