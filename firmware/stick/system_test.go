package stick

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"strings"
	"testing"

	"tollgate/firmware/bundle"
	"tollgate/firmware/delivery"
	"tollgate/firmware/policy"
)

// Copy makes the office a reader that hands on large files.
func (o *office) Copy(_ context.Context, _, name string, w io.Writer, _ int64) error {
	_, err := w.Write(o.stick[name])
	return err
}

// makers are who may sign systems.
func makers() []bundle.Key {
	return []bundle.Key{{Name: "the maker", Key: private(3).Public().(ed25519.PublicKey), May: bundle.Systems}}
}

// workshop writes down what is done to the machine.
type workshop struct{ log []string }

func (w *workshop) Keep(s delivery.Described, content io.Reader, again bool) (delivery.System, error) {
	if again {
		return nil, errors.New("a stick is nobody who wants it once more")
	}
	data, err := io.ReadAll(content)
	w.log = append(w.log, s.Release+" kept: "+string(data))
	return w, err
}

func (w *workshop) Write() error { w.log = append(w.log, "written"); return nil }
func (w *workshop) Try() error   { w.log = append(w.log, "to be tried"); return nil }
func (w *workshop) Close() error { return nil }

// packed is a bundle in one file.
func packed(t *testing.T, by byte, system *bundle.System, files map[string]string) []byte {
	t.Helper()
	contents := map[string]bundle.Content{}
	for name, text := range files {
		contents[name] = strings.NewReader(text)
	}
	var out bytes.Buffer
	if err := bundle.Write(&out, contents, system, 5, nil, private(by)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestABundleOnAStickIsTakenByTheSameRules(t *testing.T) {
	system := &bundle.System{File: "slot", Board: "virt", Release: "1.1.0", Built: 7}
	alone := map[string]string{"slot": "new"}
	torn := packed(t, 3, system, alone)
	torn = torn[:len(torn)-1]
	const brought = "1.1.0 kept: new, written, to be tried"
	for _, tc := range []struct {
		name   string
		policy *policy.Policy
		stick  map[string][]byte
		phase  Phase
		reason string
		done   string
	}{
		{"a system, in service", inService(policy.StickSigned), map[string][]byte{"a.bundle": packed(t, 3, system, alone)}, Taken, "", brought},
		{"a system, new box", nil, map[string][]byte{"a.bundle": packed(t, 3, system, alone)}, Taken, "", brought},
		{"a system by the integrator", inService(policy.StickAsk), map[string][]byte{"a.bundle": packed(t, 1, system, alone)}, Refused, "a.bundle: integrator signed this system, and may sign settings only", ""},
		{"a system by a stranger", nil, map[string][]byte{"a.bundle": packed(t, 9, system, alone)}, Refused, "nobody this box knows", ""},
		{"cut off", nil, map[string][]byte{"a.bundle": torn}, Refused, "the bundle ends within", "1.1.0 kept: "},
		{"settings", inService(policy.StickAsk), map[string][]byte{"a.bundle": packed(t, 1, nil, map[string]string{"policy.yaml": "Nantes\n"})}, Taken, "", ""},
		{"settings by the maker", inService(policy.StickAsk), map[string][]byte{"a.bundle": packed(t, 3, nil, map[string]string{"policy.yaml": "Nantes\n"})}, Refused, "may sign systems only", ""},
		{"something unknown", inService(policy.StickAsk), map[string][]byte{"a.bundle": packed(t, 1, nil, map[string]string{"tune.wav": "la"})}, Refused, "does not know", ""},
		{"two", nil, map[string][]byte{"a.bundle": nil, "b.bundle": nil}, Refused, "several bundles, a.bundle and b.bundle", ""},
		{"a policy beside it", nil, map[string][]byte{"a.bundle": packed(t, 3, system, alone), "policy.yaml": []byte("Nantes")}, Refused, "policy.yaml beside it", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := &workshop{}
			o := &office{policy: tc.policy, stick: tc.stick, last: 4, machine: w}
			d := o.desk()
			plug(d, true)
			s := d.State()
			if s.Phase != tc.phase || !strings.Contains(s.Reason, tc.reason) {
				t.Fatalf("%+v, want %s because %q", s, tc.phase, tc.reason)
			}
			if done := strings.Join(w.log, ", "); !strings.HasPrefix(done, tc.done) || tc.phase == Refused && strings.Contains(done, "written") {
				t.Errorf("done: %q, want %q", done, tc.done)
			}
			for _, report := range o.reports {
				if strings.Contains(report, "System 1.1.0") != (tc.done == brought) {
					t.Errorf("report: %s", report)
				}
			}
		})
	}
}
