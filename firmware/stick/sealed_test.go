package stick

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"tollgate/firmware/bundle"
	"tollgate/firmware/delivery"
	"tollgate/firmware/envelope"
	"tollgate/firmware/policy"
)

const phrase = "correct horse battery"

func sealedWith(t *testing.T, text string, f envelope.For) []byte {
	t.Helper()
	sealed, err := envelope.Seal([]byte(text), f)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// signedToo adds the seal of a signer to the files of a stick.
func signedToo(t *testing.T, files map[string][]byte) map[string][]byte {
	t.Helper()
	m, sig, err := bundle.Sign(files, 5, nil, private(1))
	if err != nil {
		t.Fatal(err)
	}
	files = maps.Clone(files)
	files[bundle.ManifestFile], files[bundle.SignatureFile] = m, sig
	return files
}

func TestASealedStickWaitsForItsPassPhrase(t *testing.T) {
	files := map[string][]byte{
		"policy.yaml.age": sealedWith(t, "Nantes\n", envelope.For{Phrase: phrase}),
		"bans.txt":        []byte("203.0.113.9\n"),
	}
	const done = "list by USB stick, policy Nantes by USB stick"
	for _, tc := range []struct {
		name   string
		policy *policy.Policy
		stick  map[string][]byte
		opened Phase  // when the phrase has been typed
		log    string // then, and at last
		last   string
	}{
		{"new box", nil, files, Taken, done, done},
		{"in service, signed", inService(policy.StickAsk), signedToo(t, files), Taken, strings.ReplaceAll(done, "stick", "stick signed by integrator"), strings.ReplaceAll(done, "stick", "stick signed by integrator")},
		{"in service, signed bundle", inService(policy.StickAsk), map[string][]byte{"a.bundle": packed(t, 1, nil, map[string]string{"policy.yaml.age": string(files["policy.yaml.age"])})}, Taken,
			"policy Nantes by USB stick, signed by integrator", "policy Nantes by USB stick, signed by integrator"},
		{"in service, unsigned", inService(policy.StickAsk), files, Waiting, "", "list by anna, policy Nantes by anna"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := &office{policy: tc.policy, stick: tc.stick}
			d := o.desk()
			plug(d, true)
			if s := d.State(); s.Phase != Waiting || !s.Sealed || len(o.log) != 0 || len(s.Changes) != 0 {
				t.Fatalf("%+v: %q", s, o.log)
			}
			for typed, want := range map[string]error{"": envelope.ErrPhrase, "another": envelope.ErrWrong} {
				if _, err := d.Accept(context.Background(), "anna", typed); !errors.Is(err, want) || !d.State().Sealed || len(o.log) != 0 {
					t.Fatalf("%q: %v, %+v", typed, err, d.State())
				}
			}
			s, err := d.Accept(context.Background(), "anna", phrase)
			if err != nil || s.Phase != tc.opened || s.Sealed || len(s.Changes) != 1 || strings.Join(o.log, ", ") != tc.log {
				t.Fatalf("opened: %+v, %v: %q", s, err, o.log)
			}
			if tc.opened == Waiting {
				if s, err = d.Accept(context.Background(), "anna", ""); err != nil || s.Phase != Taken {
					t.Errorf("%+v, %v", s, err)
				}
			}
			if log := strings.Join(o.log, ", "); log != tc.last {
				t.Errorf("done %q, want %q", log, tc.last)
			}
		})
	}
}

func TestWhatIsSealedForTheBoxNeedsNoWord(t *testing.T) {
	own, err := envelope.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	mine := sealedWith(t, "Nantes\n", envelope.For{Recipients: []string{own.Recipient()}})
	o := &office{stick: map[string][]byte{"policy.yaml.age": mine}, key: own}
	d := o.desk()
	plug(d, true)
	if s := d.State(); s.Phase != Taken || strings.Join(o.log, ", ") != "policy Nantes by USB stick" {
		t.Errorf("%+v: %q", s, o.log)
	}
	o = &office{stick: map[string][]byte{"policy.yaml.age": mine}}
	d = o.desk()
	plug(d, true)
	if s := d.State(); s.Phase != Refused || !strings.Contains(s.Reason, "sealed for another box") || len(o.log) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestABundleAndASettingBesideItAreTooMuch(t *testing.T) {
	for _, name := range []string{"rates.csv", "policy.yaml.age", "trunk-a.crt", delivery.BackupPrefix + "b7.age"} {
		o := &office{stick: map[string][]byte{"a.bundle": nil, name: []byte("x")}}
		d := o.desk()
		plug(d, true)
		if s := d.State(); s.Phase != Refused || !strings.Contains(s.Reason, name+" beside it") {
			t.Errorf("%+v", s)
		}
	}
}
