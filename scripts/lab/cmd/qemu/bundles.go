package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"tollgate/firmware/bundle"
)

// makerName is what the policy calls who makes updates.
const makerName = "maker"

// readMaker reads the key that updates are signed with, if there is one, as scripts/sign writes it.
func (w *world) readMaker() error {
	if w.key == "" {
		return nil
	}
	text, err := os.ReadFile(w.key)
	if err != nil {
		return err
	}
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return fmt.Errorf("%s holds no key that scripts/sign has made", w.key)
	}
	w.maker = ed25519.NewKeyFromSeed(seed)
	return nil
}

// refusesAgain brings the update that was tried in vain, on a stick: nobody stands by to ask for it once more.
func (w *world) refusesAgain(ctx context.Context) (string, error) {
	update, err := os.ReadFile(w.update)
	if err != nil {
		return "", err
	}
	d, err := w.plug(ctx, map[string][]byte{"again" + bundle.Suffix: update})
	if err == nil && (d.Phase != "refused" || !strings.Contains(d.Reason, "did not prove itself")) {
		err = fmt.Errorf("it was not refused for that: %+v", d)
	}
	return clip(d.Reason), err
}

// takesBundle brings settings and a system together.
func (w *world) takesBundle(ctx context.Context) (string, error) {
	w.policy = strings.Replace(w.policy, "name: "+siteName(w.policy), "name: Lyon branch by bundle", 1)
	content, release, err := w.another(w.policy)
	if err != nil {
		return "", err
	}
	d, err := w.plug(ctx, map[string][]byte{"office" + bundle.Suffix: content})
	if err != nil {
		return "", err
	}
	name, err := w.taken(d, makerName)
	if err != nil {
		return "", err
	}
	document, err := w.document(ctx)
	if err == nil && siteName(document) != siteName(w.policy) {
		err = errors.New("its policy is not in force")
	}
	s, asked := w.system(ctx)
	if err = errors.Join(err, asked); err == nil && (s.Slot != "a" || s.Waiting != release) {
		err = fmt.Errorf("its update does not wait for the next start: %+v", s)
	}
	return name, err
}

// another is a bundle of settings and of an update that is none that was tried: the one at hand with an octet more, which the loader
// passes over.
func (w *world) another(policy string) (content []byte, release string, err error) {
	update, err := os.ReadFile(w.update)
	if err != nil {
		return nil, "", err
	}
	b, err := bundle.Open(bytes.NewReader(update), bundle.Trust{Keys: []bundle.Key{{Name: makerName, Key: w.maker.Public().(ed25519.PublicKey), May: bundle.Systems}}})
	if err != nil {
		return nil, "", err
	}
	if _, _, err := b.Next(); err != nil {
		return nil, "", err
	}
	system, err := io.ReadAll(b)
	if err != nil {
		return nil, "", err
	}
	says := *b.System
	says.Built++
	says.Release += " and another"
	files := map[string]bundle.Content{says.File: bytes.NewReader(append(system, 0)), policyFile: strings.NewReader(policy)}
	var out bytes.Buffer
	err = bundle.Write(&out, files, &says, uint64(says.Built), nil, w.maker)
	return out.Bytes(), says.Release, err
}
