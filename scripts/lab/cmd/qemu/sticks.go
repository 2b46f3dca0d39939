package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tollgate/board/usb"
	"tollgate/firmware/bundle"
	"tollgate/scripts/lab/machine"
)

// The files of a stick.
const (
	policyFile = "policy.yaml"
	report     = bundle.ReportPrefix
)

// stickTime is how long a stick may take, from being plugged in to a decision; one may hold a system that is written to a slot.
const stickTime = 4 * time.Minute

// integrator signs sticks; stranger does so, too, and nobody knows him.
var (
	integrator = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	stranger   = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
)

// signers has a policy take the integrator's sticks and, where there are updates, those of their maker.
func (w *world) signers(document string) string {
	document += "stick:\n  take: signed\n  signers:\n" + signer("integrator", integrator)
	if w.maker != nil {
		document += signer(makerName, w.maker)
	}
	return document
}

func signer(name string, key ed25519.PrivateKey) string {
	return fmt.Sprintf("    - name: %s\n      key: %s\n", name, base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)))
}

// decision is what the page says became of a stick.
type decision struct {
	At     time.Time `json:"at"`
	Here   bool      `json:"here"`
	Phase  string    `json:"phase"`
	Signer string    `json:"signer"`
	Reason string    `json:"reason"`
}

// unsigned is a stick that nobody vouches for.
func unsigned(policy string) map[string][]byte { return map[string][]byte{policyFile: []byte(policy)} }

// signed is a stick of a number, by somebody.
func signed(policy string, number uint64, by ed25519.PrivateKey) (map[string][]byte, error) {
	files := unsigned(policy)
	manifest, signature, err := bundle.Sign(files, number, nil, by)
	files[bundle.ManifestFile], files[bundle.SignatureFile] = manifest, signature
	return files, err
}

// plug makes a stick and plugs it in, until the box has decided on it.
func (w *world) plug(ctx context.Context, files map[string][]byte) (decision, error) {
	path := w.stickPath()
	if err := machine.MakeStick(path, files); err != nil {
		return decision{}, err
	}
	return w.plugFile(ctx, path)
}

func (w *world) stickPath() string { return filepath.Join(w.work, "stick.img") }

// plugFile plugs a stick in, waits until the box has decided on it, and pulls it out.
func (w *world) plugFile(ctx context.Context, path string) (decision, error) {
	d, err := w.insert(ctx, path)
	return d, errors.Join(err, w.box.Unplug("stick"))
}

// insert plugs a stick in, and waits until the box has decided on it.
func (w *world) insert(ctx context.Context, path string) (decision, error) {
	before, err := w.latest(ctx)
	if err != nil {
		return decision{}, err
	}
	if err := w.box.Plug("stick", path); err != nil {
		return decision{}, err
	}
	return w.decides(ctx, func(d decision) bool { return d.At.After(before.At) && d.Phase != "reading" })
}

// decides waits until the page says of the latest stick what it is to.
func (w *world) decides(ctx context.Context, is func(decision) bool) (d decision, err error) {
	ctx, cancel := context.WithTimeout(ctx, stickTime)
	defer cancel()
	for {
		if d, err = w.latest(ctx); err == nil && is(d) {
			return d, nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return d, errors.Join(fmt.Errorf("the box does not decide on the stick: %+v", d), err)
		}
	}
}

// latest is what the page says of the latest stick.
func (w *world) latest(ctx context.Context) (decision, error) {
	var out struct {
		Stick decision `json:"stick"`
	}
	err := w.page.JSON(ctx, http.MethodGet, "/api/v1/stick", nil, &out)
	return out.Stick, err
}

// taken checks that a stick was taken and that its report says so.
func (w *world) taken(d decision, by string) (string, error) {
	if d.Phase != "taken" || d.Signer != by {
		return "", fmt.Errorf("the stick was not taken: %+v", d)
	}
	name, text, err := machine.ReadStick(w.stickPath(), usb.Folder, report)
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(text), "The stick was taken.") {
		return "", fmt.Errorf("%s says: %s", name, text)
	}
	for _, secret := range w.secrets() {
		if bytes.Contains(text, []byte(secret)) {
			return "", fmt.Errorf("%s holds a secret", name)
		}
	}
	return name, nil
}

// secrets are the values of the policy's secrets.
func (w *world) secrets() (list []string) {
	for line := range strings.Lines(w.policy) {
		if _, value, found := strings.Cut(line, "secret: "); found {
			list = append(list, strings.TrimSpace(value))
		}
	}
	return list
}

// newBox has a box without a policy take one that nobody has signed.
func (w *world) newBox(ctx context.Context) (err error) {
	if w.first.stick, err = w.plug(ctx, unsigned(w.policy)); err != nil {
		return err
	}
	w.first.report, err = w.taken(w.first.stick, "")
	return err
}

// reported tells the report on the first stick.
func (w *world) reported(context.Context) (string, error) { return w.first.report, nil }

// proveSticks brings a signed stick, and after it those that are to change nothing: all kinds, or the few that tell most.
func (w *world) proveSticks(ctx context.Context, all bool) error {
	if err := step("a signed stick is taken, and reported on", func() (string, error) { return w.takesSigned(ctx) }); err != nil {
		return err
	}
	before, err := w.document(ctx)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(w.work, "stick")
	if err != nil {
		return err
	}
	for _, b := range badSticks(w.policy, folder) {
		if !all && !b.telling || !strings.Contains(b.name, w.only) {
			continue
		}
		if err := step("changes nothing: "+b.name, func() (string, error) { return w.refusesStick(ctx, b, before) }); err != nil {
			return err
		}
	}
	if !all {
		return nil
	}
	return step("changes nothing: a keyboard that types", func() (string, error) { return w.ignoresKeys(ctx, before) })
}

func (w *world) takesSigned(ctx context.Context) (string, error) {
	w.policy = strings.Replace(w.policy, "name: Lyon branch", "name: Lyon branch by stick", 1)
	files, err := signed(w.policy, 5, integrator)
	if err != nil {
		return "", err
	}
	d, err := w.plug(ctx, files)
	if err != nil {
		return "", err
	}
	name, err := w.taken(d, "integrator")
	if err != nil {
		return "", err
	}
	document, err := w.document(ctx)
	if err == nil && !strings.Contains(document, "Lyon branch by stick") {
		err = errors.New("its policy is not in force")
	}
	return name, err
}

// document is the policy in force.
func (w *world) document(ctx context.Context) (string, error) {
	text, err := w.page.Text(ctx, "/api/v1/policy")
	return string(text), err
}

// refusesStick brings a stick that is to be refused, for a reason.
func (w *world) refusesStick(ctx context.Context, b badStick, before string) (string, error) {
	path := w.stickPath()
	if err := b.make(path); err != nil {
		return "", err
	}
	d, err := w.plugFile(ctx, path)
	if err != nil {
		return "", err
	}
	if d.Phase != "refused" || !strings.Contains(d.Reason, b.want) {
		return "", fmt.Errorf("it was not refused because of %q: %+v", b.want, d)
	}
	return clip(d.Reason), w.unchanged(ctx, before)
}

func (w *world) unchanged(ctx context.Context, before string) error {
	after, err := w.document(ctx)
	if err == nil && after != before {
		err = fmt.Errorf("the policy was changed:\n%s", after)
	}
	return err
}

// ignoresKeys plugs in a stick that is a keyboard and types what would end a machine or open a shell elsewhere.
func (w *world) ignoresKeys(ctx context.Context, before string) (string, error) {
	console := w.box.Console()
	if err := w.box.PlugKeyboard("keyboard"); err != nil {
		return "", err
	}
	if err := w.box.Type("ret", "r", "o", "o", "t", "ret", "power", "sysrq"); err != nil {
		return "", err
	}
	// A stick that is refused meanwhile shows that the box lives and hears of devices.
	saw, err := w.refusesStick(ctx, badStick{make: func(path string) error { return machine.MakeStick(path, nil) }, want: "not signed"}, before)
	if err == nil && w.box.Console() != console {
		err = fmt.Errorf("the screen shows something else: %s", strings.TrimPrefix(w.box.Console(), console))
	}
	return saw, err
}

// clip shortens a sentence for one line.
func clip(s string) string {
	const room = 60
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > room {
		return s[:room] + "…"
	}
	return s
}
