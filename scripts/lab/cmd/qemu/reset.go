package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tollgate/scripts/lab/machine"
)

// What process 1 says on the console when the button was held, and when it was pressed again.
const (
	buttonHeld = "the button was held"
	boxReset   = "reset to how the box came"
)

// proveReset holds the button and presses it again: the box is as it came. Nothing can be proved of it after that.
func (w *world) proveReset(ctx context.Context) error {
	return steps(ctx, []part{
		{"the button is held for ten seconds: it asks, and nothing is forgotten", w.holds},
		{"  pressed again: the box is new, and knows how its program has ended", w.resets},
		{"  and on its card stands no key and no policy of before", w.forgotten},
	})
}

// holds holds the button until the box asks for another press.
func (w *world) holds(ctx context.Context) (string, error) {
	var err error
	if w.secretly, err = w.onCard(); err != nil || len(w.secretly) < 3 {
		return "", fmt.Errorf("the card holds only %d keys and policies that could be forgotten: %w", len(w.secretly), err)
	}
	ctx, cancel := context.WithTimeout(ctx, holdTime)
	defer cancel()
	begun := time.Now()
	if err := w.box.Button(true); err != nil {
		return "", err
	}
	_, err = w.box.Await(ctx, buttonHeld, 1)
	took := time.Since(begun)
	if err = errors.Join(err, w.box.Button(false)); err != nil {
		return "", err
	}
	if took < 10*time.Second {
		return "", fmt.Errorf("it asks after %s", seconds(took))
	}
	document, err := w.document(ctx)
	if err == nil && siteName(document) != siteName(w.policy) {
		err = errors.New("its policy is another one")
	}
	return "after " + seconds(took), err
}

// resets presses the button again, and becomes the new box's administrator.
func (w *world) resets(ctx context.Context) (string, error) {
	crashed, err := w.crashes(ctx)
	if err != nil {
		return "", err
	}
	before := strings.Count(w.box.Console(), running)
	if err := w.press(); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if _, err := w.box.Await(ctx, running, before+1); err != nil {
		return "", err
	}
	if err := w.page.Await(ctx); err != nil {
		return "", err
	}
	if err := w.page.LogIn(ctx, password); err == nil {
		return "", errors.New("the old password is taken")
	}
	_, after, _ := strings.Cut(w.box.Console(), boxReset)
	first := firstPassword(after)
	if first == "" || first == w.first.word {
		return "", errors.New("there is no new first password")
	}
	if err := w.page.Claim(ctx, first, password); err != nil {
		return "", err
	}
	return w.isNew(ctx, len(crashed))
}

// isNew checks that the box has neither policy nor calls, and still tells how often its program has ended.
func (w *world) isNew(ctx context.Context, crashed int) (string, error) {
	s, err := w.ask(ctx)
	if err != nil {
		return "", err
	}
	ended, err := w.accounts(ctx)
	if err != nil {
		return "", err
	}
	list, err := w.crashes(ctx)
	if err == nil && (s.Mode != "setup" || len(s.Trunks) > 0 || len(ended) > 0 || len(list) != crashed) {
		err = fmt.Errorf("it is not new: mode %s, %d trunks, %d calls; %d ends of the program, not %d", s.Mode, len(s.Trunks), len(ended), len(list), crashed)
	}
	return "mode " + s.Mode, err
}

// forgotten switches the machine off and looks for what it had kept before. The new box has keys of its own.
func (w *world) forgotten(context.Context) (string, error) {
	w.box.Cut()
	now, err := w.onCard()
	left := 0
	for secret := range w.secretly {
		if now[secret] {
			left++
		}
	}
	if err == nil && left > 0 {
		err = fmt.Errorf("%d of %d stand there still", left, len(w.secretly))
	}
	return fmt.Sprintf("none of %d", len(w.secretly)), err
}

// secretParts are how the box's own key, the keys of its certificates, the administrator's password and policies begin on its card, and
// how many octets tell one from another.
var secretParts = map[string]int{"AGE-SECRET-KEY-1": 74, "-----BEGIN PRIVATE KEY-----\n": 92, "$argon2id$": 60, `"policy":"`: 58}

// onCard are the secrets on the part of the card that is written to.
func (w *world) onCard() (map[string]bool, error) {
	data, err := machine.FindPartition(w.disk, "tollgate-data")
	if err != nil {
		return nil, err
	}
	const piece, overlap = 16 << 20, 128
	found := map[string]bool{}
	for at := int64(0); at < data.Size; at += piece {
		content, err := data.At(w.disk, at, int(min(piece+overlap, data.Size-at)))
		if err != nil {
			return nil, err
		}
		for begin, length := range secretParts {
			for rest := content; ; rest = rest[len(begin):] {
				i := bytes.Index(rest, []byte(begin))
				if i < 0 {
					break
				}
				rest = rest[i:]
				found[string(rest[:min(length, len(rest))])] = true
			}
		}
	}
	return found, nil
}
