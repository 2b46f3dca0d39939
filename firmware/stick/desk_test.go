package stick

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"tollgate/board/usb"
	"tollgate/firmware/bundle"
	"tollgate/firmware/delivery"
	"tollgate/firmware/envelope"
	"tollgate/firmware/policy"
)

// office is a box, a stick and a memory, all of them written down.
type office struct {
	policy  *policy.Policy
	stick   map[string][]byte
	unread  error
	locked  bool
	last    uint64
	log     []string
	reports map[string]string
	fail    string // the file that does not come into force
	machine delivery.Machine
	key     envelope.Identity
	stored  []string // what was written beside what lies on the stick
}

func (o *office) Read(context.Context, string) (usb.Contents, error) {
	return usb.Contents{FileSystem: "FAT32", Files: maps.Clone(o.stick), Ignored: []string{"CON : it is no plain file"}}, o.unread
}

func (o *office) Write(_ context.Context, _, name string, data []byte) error {
	if o.locked {
		return errors.New("the stick is locked")
	}
	o.reports[name] = string(data)
	return nil
}

func (o *office) Store(_ context.Context, _, name string, data []byte) (string, error) {
	if o.locked {
		return "", errors.New("the stick is locked")
	}
	o.stored = append(o.stored, name+": "+string(data))
	return name, nil
}

func (o *office) Examine(doc []byte) (*policy.Policy, []policy.Change, error) {
	if strings.Contains(string(doc), "wrong") {
		return nil, nil, errors.New("line 3: wrong is not known here")
	}
	return &policy.Policy{}, []policy.Change{{Path: "site.name", Old: "Lyon", New: strings.TrimSpace(string(doc))}}, nil
}

func (o *office) Document() []byte { return nil }

func (o *office) Import(_ context.Context, doc []byte, who, _ string) error {
	if o.fail == delivery.PolicyFile {
		return errors.New("the network port is gone")
	}
	o.log = append(o.log, "policy "+strings.TrimSpace(string(doc))+" by "+who)
	return nil
}

// ledger is the block list of an office.
type ledger struct{ *office }

func (o ledger) Check(text string, _ *policy.Policy) (int, error) {
	if strings.Contains(text, "wrong") {
		return 0, errors.New("line 1: wrong is no address")
	}
	return strings.Count(text, "\n"), nil
}

func (o ledger) Put(_, who string) (func(), error) {
	if o.fail == delivery.BlockListFile {
		return nil, errors.New("the filter is away")
	}
	o.log = append(o.log, "list by "+who)
	return func() { o.log = append(o.log, "list undone") }, nil
}

func (o *office) Last() (uint64, error) { return o.last, nil }

func (o *office) Keep(n uint64) error { o.last = n; return nil }

func (o *office) desk() *Desk {
	o.reports = map[string]string{}
	taker := delivery.New(delivery.Options{Box: o, Lists: map[string]delivery.List{delivery.BlockListFile: ledger{o}}, Key: o.key, Memory: o, Machine: o.machine, Serial: "B7"})
	return New(Options{Reader: o, Taker: taker, Policy: func() *policy.Policy { return o.policy }, Makers: makers(), Serial: "B7", Log: slog.New(slog.DiscardHandler)})
}

func plug(d *Desk, here bool) {
	d.Plugged(context.Background(), usb.Change{Device: "/dev/sda", Here: here})
}

func private(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func inService(take policy.StickTake) *policy.Policy {
	public := private(1).Public().(ed25519.PublicKey)
	return &policy.Policy{Stick: policy.Stick{Take: take, Signers: []policy.Signer{{Name: "integrator", Key: base64.StdEncoding.EncodeToString(public)}}}}
}

func unsigned() map[string][]byte {
	return map[string][]byte{delivery.PolicyFile: []byte("Nantes\n"), delivery.BlockListFile: []byte("203.0.113.9\n203.0.113.10\n")}
}

func signed(t *testing.T, number uint64, by byte, boxes ...string) map[string][]byte {
	t.Helper()
	f := unsigned()
	m, sig, err := bundle.Sign(f, number, boxes, private(by))
	if err != nil {
		t.Fatal(err)
	}
	f[bundle.ManifestFile], f[bundle.SignatureFile] = m, sig
	return f
}

func TestWhoseStickItIsDecidesWhatBecomesOfIt(t *testing.T) {
	changed := signed(t, 5, 1)
	changed[delivery.PolicyFile] = []byte("Paris\n")
	for _, tc := range []struct {
		name   string
		policy *policy.Policy
		stick  map[string][]byte
		phase  Phase
		reason string // part of it
		log    string
	}{
		{"new box, unsigned", nil, unsigned(), Taken, "", "list by USB stick, policy Nantes by USB stick"},
		{"new box, signed by anybody", nil, signed(t, 1, 2), Taken, "", "list by USB stick, policy Nantes by USB stick"},
		{"in service, signed", inService(policy.StickAsk), signed(t, 5, 1, "B7"), Taken, "", "list by USB stick signed by integrator, policy Nantes by USB stick signed by integrator"},
		{"in service, unsigned", inService(policy.StickAsk), unsigned(), Waiting, "somebody must say yes", ""},
		{"in service, unsigned, only signed ones", inService(policy.StickSigned), unsigned(), Refused, "takes only what is signed", ""},
		{"in service, a stranger's", inService(policy.StickAsk), signed(t, 5, 2), Refused, "nobody this box knows", ""},
		{"in service, replayed", inService(policy.StickAsk), signed(t, 4, 1), Refused, "number 4 was taken already", ""},
		{"in service, another box's", inService(policy.StickAsk), signed(t, 5, 1, "A1"), Refused, "this box is B7", ""},
		{"in service, changed", inService(policy.StickAsk), changed, Refused, "policy.yaml was changed", ""},
		{"nothing on it", nil, map[string][]byte{"photo.jpg": nil}, Refused, "nothing for this box", ""},
		{"a wrong policy", nil, map[string][]byte{delivery.PolicyFile: []byte("wrong")}, Refused, "policy.yaml: line 3", ""},
		{"a wrong list beside a good policy", nil, map[string][]byte{delivery.PolicyFile: []byte("Nantes"), delivery.BlockListFile: []byte("wrong")}, Refused, "bans.txt: line 1", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := &office{policy: tc.policy, stick: tc.stick, last: 4}
			d := o.desk()
			plug(d, true)
			s := d.State()
			if s == nil || s.Phase != tc.phase || !strings.Contains(s.Reason, tc.reason) {
				t.Fatalf("%+v, want %s because %q", s, tc.phase, tc.reason)
			}
			if log := strings.Join(o.log, ", "); log != tc.log {
				t.Errorf("done: %q, want %q", log, tc.log)
			}
			if want := tc.phase != Waiting; (len(o.reports) == 1) != want {
				t.Errorf("reports: %q", o.reports)
			}
		})
	}
}

func TestAStickThatWaitsIsTakenOnAWord(t *testing.T) {
	o := &office{policy: inService(policy.StickAsk), stick: unsigned()}
	d := o.desk()
	plug(d, true)
	s, err := d.Accept(context.Background(), "anna", "")
	if err != nil || s.Phase != Taken || strings.Join(o.log, ", ") != "list by anna, policy Nantes by anna" {
		t.Errorf("%+v, %v: %q", s, err, o.log)
	}
	if _, err := d.Accept(context.Background(), "anna", ""); !errors.Is(err, ErrNothingWaits) {
		t.Errorf("it was taken twice: %v", err)
	}
}

func TestAStickThatWaitsIsRefusedByNoOrByTakingItOut(t *testing.T) {
	o := &office{policy: inService(policy.StickAsk), stick: unsigned()}
	d := o.desk()
	plug(d, true)
	if s, err := d.Decline(context.Background(), "anna"); err != nil || s.Phase != Refused || s.Reason != "anna said no" {
		t.Errorf("%+v, %v", s, err)
	}
	plug(d, true)
	plug(d, false)
	if s := d.State(); s.Phase != Refused || s.Here {
		t.Errorf("%+v", s)
	}
	if _, err := d.Accept(context.Background(), "anna", ""); !errors.Is(err, ErrNothingWaits) {
		t.Errorf("a stick that is gone was taken: %v", err)
	}
	if len(o.log) != 0 {
		t.Errorf("done: %q", o.log)
	}
}

func TestAllOfAStickOrNothing(t *testing.T) {
	for fail, want := range map[string]string{delivery.PolicyFile: "list by USB stick, list undone", delivery.BlockListFile: ""} {
		o := &office{stick: unsigned(), fail: fail}
		d := o.desk()
		plug(d, true)
		if s := d.State(); s.Phase != Refused || !strings.HasPrefix(s.Reason, fail) {
			t.Errorf("%s fails: %+v", fail, s)
		}
		if log := strings.Join(o.log, ", "); log != want {
			t.Errorf("%s fails: %q, want %q", fail, log, want)
		}
	}
}

func TestASignedStickIsNotTakenTwice(t *testing.T) {
	o := &office{policy: inService(policy.StickAsk), stick: signed(t, 7, 1)}
	d := o.desk()
	plug(d, true)
	plug(d, false)
	plug(d, true)
	if s := d.State(); s.Phase != Refused || !strings.Contains(s.Reason, "number 7 was taken already") {
		t.Errorf("%+v", s)
	}
}

func TestTheReportSaysWhatBecameOfTheStick(t *testing.T) {
	o := &office{policy: inService(policy.StickAsk), stick: signed(t, 7, 1)}
	plug(o.desk(), true)
	for name, text := range o.reports {
		if !strings.HasPrefix(name, "report-B7-") || !strings.HasSuffix(name, ".txt") {
			t.Errorf("name %q", name)
		}
		_, text, _ = strings.Cut(text, "\r\n") // the time
		want := strings.Join([]string{
			"The stick was taken. You may take it out.", "Signed by integrator, number 7.", "policy.yaml: 1 settings changed",
			"  site.name: Lyon -> Nantes", "bans.txt: 2 sources to keep away", "Left alone: CON : it is no plain file", "",
		}, "\r\n")
		if text != want {
			t.Errorf("%s\nwant\n%s", text, want)
		}
	}
	if got := FileName("CZ 12/34"); got != "CZ-12-34" {
		t.Errorf("a serial number with signs becomes %s", got)
	}
	locked := &office{stick: unsigned(), locked: true}
	d := locked.desk()
	plug(d, true)
	if d.State().Phase != Taken {
		t.Errorf("a locked stick: %+v", d.State())
	}
}

func TestAnUnreadableStickAndAPolicyThatWantsNone(t *testing.T) {
	o := &office{unread: errors.New("the stick is damaged")}
	d := o.desk()
	plug(d, true)
	if s := d.State(); s.Phase != Refused || s.Reason != "the stick is damaged" {
		t.Errorf("%+v", s)
	}
	off := &office{policy: inService(policy.StickOff), stick: signed(t, 7, 1)}
	d = off.desk()
	plug(d, true)
	if d.State() != nil || len(off.log) != 0 {
		t.Errorf("%+v: %q", d.State(), off.log)
	}
}
