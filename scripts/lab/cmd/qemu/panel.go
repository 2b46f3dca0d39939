package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tollgate/board/usb"
	"tollgate/firmware/delivery"
	"tollgate/firmware/envelope"
	"tollgate/scripts/lab/machine"
)

const (
	// pressTime is how long a finger is on the button that only presses it.
	pressTime = 200 * time.Millisecond
	// holdTime is how long one may be that holds it: ten seconds of an emulated machine.
	holdTime = time.Minute
	// nothingTime is how long what is to do nothing is watched.
	nothingTime = 2 * time.Second
	// phrase seals the backup.
	phrase = "granite lantern orchard 84"
	// passwordFile begins the name of the file with the first password.
	passwordFile = "tollgate-first-password-"
)

// provePanel presses the box's button, has files written onto a stick, and has the program end in the middle of its work.
func (w *world) provePanel(ctx context.Context) error {
	parts := []part{
		{"a stick that nobody signed waits; a keyboard's power key takes nothing", w.asks},
		{"  a press of the button takes it", w.takesByButton},
	}
	if !w.short {
		parts = append(parts, part{"backup and calls are written onto a stick", w.exports}, part{"the program ends in the middle of a call, which goes on; the page shows how", w.outlives})
	}
	return steps(ctx, parts)
}

// claims makes somebody the administrator of the new box, by the password that it writes onto a stick for who has no screen.
func (w *world) claims(ctx context.Context) error {
	if err := machine.MakeStick(w.stickPath(), nil); err != nil {
		return err
	}
	if err := w.box.Plug("stick", w.stickPath()); err != nil {
		return err
	}
	name, text, err := w.written(ctx, passwordFile)
	if err = errors.Join(err, w.box.Unplug("stick"), machine.CheckStick(w.stickPath())); err != nil {
		return err
	}
	w.first.password = name
	_, rest, _ := strings.Cut(string(text), "First password / premier mot de passe:")
	words := strings.Fields(rest)
	if len(words) == 0 || words[0] != firstPassword(w.box.Console()) {
		return fmt.Errorf("%s has another password than the console:\n%s", name, text)
	}
	w.first.word = words[0]
	return w.page.Claim(ctx, w.first.word, password)
}

// written waits until the stick that is plugged in holds a file that the box has written.
func (w *world) written(ctx context.Context, prefix string) (name string, text []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, stickTime)
	defer cancel()
	for {
		if name, text, err = machine.ReadStick(w.stickPath(), usb.OutFolder, prefix); err == nil {
			return name, text, nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return "", nil, err
		}
	}
}

// given tells where the first password was.
func (w *world) given(context.Context) (string, error) { return w.first.password, nil }

// press presses the button and lets it go.
func (w *world) press() error {
	if err := w.box.Button(true); err != nil {
		return err
	}
	time.Sleep(pressTime)
	return w.box.Button(false)
}

// asks has the box ask for a yes to what nobody has signed, brings such a stick, and types the key of a power button.
func (w *world) asks(ctx context.Context) (string, error) {
	asking := strings.Replace(w.policy, "take: signed", "take: ask", 1)
	if err := w.bring(ctx, asking); err != nil {
		return "", err
	}
	if err := machine.MakeStick(w.stickPath(), unsigned(renamed(asking, byButton))); err != nil {
		return "", err
	}
	d, err := w.insert(ctx, w.stickPath())
	if err != nil {
		return "", err
	}
	if err := errors.Join(w.box.PlugKeyboard("button"), w.box.Type("power", "ret")); err != nil {
		return "", err
	}
	time.Sleep(nothingTime)
	if after, err := w.latest(ctx); err != nil || d.Phase != "waiting" || after.Phase != "waiting" || !after.Here {
		return "", fmt.Errorf("it does not wait: %+v, then %+v: %w", d, after, err)
	}
	return clip(d.Reason), nil
}

// byButton is the site's name on the stick that the button takes.
const byButton = "Lyon branch by button"

// renamed is a policy for a site of another name.
func renamed(document, name string) string {
	return strings.Replace(document, "name: "+siteName(document), "name: "+name, 1)
}

// takesByButton presses the button, while the stick waits, and brings back the policy that was.
func (w *world) takesByButton(ctx context.Context) (string, error) {
	if err := w.press(); err != nil {
		return "", err
	}
	d, err := w.decides(ctx, func(d decision) bool { return d.Phase != "waiting" && d.Phase != "reading" })
	if err = errors.Join(err, w.box.Unplug("stick")); err != nil {
		return "", err
	}
	if d.Phase != "taken" {
		return "", fmt.Errorf("it was not taken: %+v", d)
	}
	document, err := w.document(ctx)
	if err != nil {
		return "", err
	}
	if siteName(document) != byButton {
		return "", errors.New("its policy is not in force")
	}
	return siteName(document), w.bring(ctx, w.policy)
}

// exports has the page write onto a stick, which then holds what the page says, in a file system that nothing is wrong with.
func (w *world) exports(ctx context.Context) (string, error) {
	path := w.stickPath()
	if err := machine.MakeStick(path, nil); err != nil {
		return "", err
	}
	if _, err := w.insert(ctx, path); err != nil {
		return "", err
	}
	ended, err := w.account(ctx)
	if err != nil {
		return "", err
	}
	err = w.page.JSON(ctx, http.MethodPost, "/api/v1/stick/export", map[string]any{"backup": true, "calls": true, "phrase": phrase}, nil)
	if err = errors.Join(err, w.box.Unplug("stick"), machine.CheckStick(path)); err != nil {
		return "", err
	}
	name, sealed, err := machine.ReadStick(path, usb.OutFolder, delivery.BackupPrefix)
	if err != nil {
		return "", err
	}
	if err := w.whole(sealed); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	_, text, err := machine.ReadStick(path, usb.OutFolder, "calls-")
	if err != nil {
		return "", err
	}
	var calls []account
	if err := json.Unmarshal(text, &calls); err != nil || len(calls) < len(ended) {
		return "", fmt.Errorf("the stick holds %d calls of %d: %w", len(calls), len(ended), err)
	}
	return fmt.Sprintf("%s, %d calls", name, len(calls)), nil
}

// whole checks that a backup opens with its pass phrase and holds the policy with its secrets, which cannot be seen from outside.
func (w *world) whole(sealed []byte) error {
	text, err := envelope.Open(sealed, delivery.MaxBackup, envelope.Identity{}, phrase)
	if err != nil {
		return err
	}
	var b delivery.Backup
	if err := json.Unmarshal(text, &b); err != nil {
		return err
	}
	if siteName(b.Files[delivery.PolicyFile]) != siteName(w.policy) {
		return errors.New("it does not hold the policy")
	}
	for _, secret := range w.secrets() {
		if !strings.Contains(b.Files[delivery.PolicyFile], secret) || bytes.Contains(sealed, []byte(secret)) {
			return errors.New("a secret is missing in it, or can be seen")
		}
	}
	return nil
}
