package delivery

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"tollgate/firmware/bundle"
	"tollgate/firmware/envelope"
	"tollgate/firmware/policy"
)

// bench is a box that writes down what is done to it. What holds "wrong" is refused when it is examined, what is named in fails when
// it is done.
type bench struct {
	inForce string // a policy; "": there is none
	last    uint64
	fails   string
	log     []string
}

func (b *bench) did(what string, args ...any) error {
	what = fmt.Sprintf(what, args...)
	if b.fails != "" && strings.HasPrefix(what, b.fails) {
		return errors.New("that went amiss")
	}
	b.log = append(b.log, what)
	return nil
}

func (b *bench) Examine(doc []byte) (*policy.Policy, []policy.Change, error) {
	if string(doc) == "wrong" {
		return nil, nil, errors.New("line 1: wrong is not known here")
	}
	return &policy.Policy{}, []policy.Change{{Path: "site.name"}}, nil
}

func (b *bench) Import(_ context.Context, doc []byte, who, why string) error {
	return b.did("policy %d by %s", len(doc), who)
}

func (b *bench) Document() []byte {
	if b.inForce == "" {
		return nil
	}
	return []byte(b.inForce)
}

func (b *bench) Last() (uint64, error) { return b.last, nil }

func (b *bench) Keep(n uint64) error {
	b.last = n
	return b.did("number %d", n)
}

type list struct {
	*bench
	name string
}

func (l list) Check(text string, _ *policy.Policy) (int, error) {
	if strings.Contains(text, "wrong") {
		return 0, errors.New("line 1: wrong")
	}
	return strings.Count(text, "\n"), nil
}

func (l list) Put(text, who string) (func(), error) {
	return func() { _ = l.did("%s undone", l.name) }, l.did("%s %s", l.name, strings.TrimSpace(text))
}

// machine has slots.
type machine struct{ *bench }

func (m machine) system(s Described, content io.Reader) error {
	_, err := io.Copy(io.Discard, content)
	return errors.Join(err, m.did("system %s kept", s.Release))
}

func (m machine) Keep(s Described, content io.Reader, _ bool) (System, error) {
	return m, m.system(s, content)
}
func (m machine) Write() error { return m.did("system written") }
func (m machine) Try() error   { return m.did("system to be tried") }
func (m machine) Close() error { return m.did("system closed") }

func (b *bench) taker(t *testing.T) (*Taker, envelope.Identity) {
	t.Helper()
	key, err := envelope.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	lists := map[string]List{}
	for _, name := range []string{BlockListFile, RatesFile, RecordsFile} {
		lists[name] = list{b, name}
	}
	return New(Options{Box: b, Lists: lists, Key: key, Machine: machine{b}, Memory: b, Serial: "B7"}), key
}

func private() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
}

func order(phrase string) Order {
	public := private().Public().(ed25519.PublicKey)
	return Order{Keys: []bundle.Key{{Name: "fleet", Key: public, May: bundle.Settings | bundle.Systems}}, Who: "anna", Phrase: phrase}
}

// packed is a bundle with these files; one called "slot" is a system.
func packed(t *testing.T, files map[string]string) io.Reader {
	t.Helper()
	contents, system := map[string]bundle.Content{}, (*bundle.System)(nil)
	for name, text := range files {
		if contents[name] = strings.NewReader(text); name == "slot" {
			system = &bundle.System{File: "slot", Board: "virt", Release: "1.1.0", Built: 7}
		}
	}
	var out bytes.Buffer
	if err := bundle.Write(&out, contents, system, 5, nil, private()); err != nil {
		t.Fatal(err)
	}
	return &out
}

func seal(t *testing.T, text string, f envelope.For) string {
	t.Helper()
	s, err := envelope.Seal([]byte(text), f)
	if err != nil {
		t.Fatal(err)
	}
	return string(s)
}

const small = "version: 1\n"

func TestABundleIsTakenWholeOrNotAtAll(t *testing.T) {
	settings := map[string]string{PolicyFile: small, BlockListFile: "203.0.113.9\n", RatesFile: "prefix;minute\n"}
	with := func(more map[string]string) map[string]string {
		all := maps.Clone(settings)
		maps.Copy(all, more)
		return all
	}
	const done = "number 5, bans.txt 203.0.113.9, rates.csv prefix;minute, policy 11 by anna, signed by fleet"
	for _, tc := range []struct {
		name  string
		files map[string]string
		fails string
		err   string // part of it
		log   string
	}{
		{"settings", settings, "", "", done},
		{"a system alone", map[string]string{"slot": "new"}, "", "", "system 1.1.0 kept, system written, system to be tried, system closed"},
		{"both: the system is tried last", with(map[string]string{"slot": "new"}), "", "", "system 1.1.0 kept, system written, " + done + ", system to be tried, system closed"},
		{"a wrong policy", with(map[string]string{PolicyFile: "wrong"}), "", "policy.yaml: line 1", ""},
		{"a wrong list", with(map[string]string{RatesFile: "wrong"}), "", "rates.csv: line 1", ""},
		{"two faults, both told", with(map[string]string{RatesFile: "wrong", PolicyFile: "wrong"}), "", "policy.yaml: line 1: wrong is not known here\nrates.csv", ""},
		{"wrong settings beside a system", with(map[string]string{"slot": "new", BlockListFile: "wrong"}), "", "bans.txt: line 1", "system 1.1.0 kept, system closed"},
		{"something unknown", with(map[string]string{"tune.wav": "la"}), "", "does not know", ""},
		{"records without a backup", with(map[string]string{RecordsFile: "{}"}), "", "does not know", ""},
		{"a key that everybody can read", with(map[string]string{"page.key": "PRIVATE"}), "", "page.key is a private key that everybody can read", ""},
		{"the list fails", settings, BlockListFile, "bans.txt: that went amiss", "number 5"},
		{"the prices fail", settings, RatesFile, "rates.csv: that went amiss", "number 5, bans.txt 203.0.113.9, bans.txt undone"},
		{"the policy fails", settings, "policy", "policy.yaml: that went amiss", "number 5, bans.txt 203.0.113.9, rates.csv prefix;minute, rates.csv undone, bans.txt undone"},
		{"the number is not kept", settings, "number", "amiss", ""},
		{"the slot fails", with(map[string]string{"slot": "new"}), "system written", "amiss", "system 1.1.0 kept, system closed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &bench{fails: tc.fails}
			taker, _ := b.taker(t)
			taken, err := taker.Take(t.Context(), packed(t, tc.files), order(""))
			if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%v, want %q", err, tc.err)
			}
			if log := strings.Join(b.log, ", "); log != tc.log {
				t.Errorf("done:\n%s\nwant\n%s", log, tc.log)
			}
			if err == nil && tc.files[BlockListFile] != "" && (taken.Entries[BlockListFile] != 1 || taken.Seal.Number != 5) {
				t.Errorf("%+v", taken)
			}
		})
	}
}

func TestABundleWithoutASystemOfItsOwnMachine(t *testing.T) {
	b := &bench{}
	taker, _ := b.taker(t)
	taker.o.Machine = nil
	if _, err := taker.Take(t.Context(), packed(t, map[string]string{"slot": "new"}), order("")); err == nil || !strings.Contains(err.Error(), "not the box's own") || len(b.log) != 0 {
		t.Errorf("%v: %q", err, b.log)
	}
}

func TestTheSameBundleIsNotTakenTwiceAndOnlyOneAtATime(t *testing.T) {
	b := &bench{}
	taker, _ := b.taker(t)
	files := map[string]string{PolicyFile: small}
	if _, err := taker.Take(t.Context(), packed(t, files), order("")); err != nil {
		t.Fatal(err)
	}
	if _, err := taker.Take(t.Context(), packed(t, files), order("")); err == nil || !strings.Contains(err.Error(), "number 5 was taken already") {
		t.Error(err)
	}
	taker.work.Lock()
	defer taker.work.Unlock()
	if _, err := taker.Take(t.Context(), packed(t, files), order("")); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if err := taker.Put(t.Context(), Settings{}, 0, "anna", ""); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
}

func TestWhatIsSealedInABundleIsOpened(t *testing.T) {
	b := &bench{}
	taker, key := b.taker(t)
	mine, typed := envelope.For{Recipients: []string{key.Recipient()}}, envelope.For{Phrase: "seven brass lanterns"}
	both := map[string]string{"policy.yaml.age": seal(t, small, mine), "bans.txt.age": seal(t, "203.0.113.9\n", typed)}
	for phrase, want := range map[string]error{"": envelope.ErrPhrase, "another": envelope.ErrWrong} {
		if _, err := taker.Take(t.Context(), packed(t, both), order(phrase)); !errors.Is(err, want) || len(b.log) != 0 {
			t.Errorf("%q: %v, %q", phrase, err, b.log)
		}
	}
	if taken, err := taker.Take(t.Context(), packed(t, both), order("seven brass lanterns")); err != nil || len(taken.Changes) != 1 || taken.Entries[BlockListFile] != 1 {
		t.Errorf("%+v, %v", taken, err)
	}
	for name, files := range map[string]map[string]string{
		"there twice":          {"bans.txt": "x\n", "bans.txt.age": both["bans.txt.age"]},
		"sealed for another":   {"bans.txt.age": seal(t, "x", envelope.For{Recipients: []string{"age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"}})},
		"bans.txt.age: it is":  {"bans.txt.age": "nothing that is sealed"},
		"it is no backup":      {"backup-b7.age": seal(t, "hello", mine)},
		"layout 9":             {"backup-b7.age": seal(t, `{"tollgate_backup":9}`, mine)},
		"holds more than 4194": {"bans.txt.age": seal(t, strings.Repeat("x", maxSettings+1), mine)},
	} {
		content := map[string][]byte{}
		for name, text := range files {
			content[name] = []byte(text)
		}
		if _, err := taker.Open(content, "seven brass lanterns"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not say %q", err, name)
		}
	}
}

const office = `version: 1
site: {name: Lyon, country: FR, time_zone: Europe/Paris}
network:
  inside: {interface: eth0, address: 192.0.2.10/24}
  outside: {interface: eth1, address: 198.51.100.10/24}
pbx: {address: 192.0.2.20}
trunks:
  - {name: carrier-a, domain: a.example, accounts: [{user: alice, numbers: [+33423456700]}]}
`

func TestCertificatesGoIntoThePolicyThatComesOrTheOneInForce(t *testing.T) {
	certificate := map[string][]byte{"trunk-carrier-a.trust": []byte("the authority")}
	for _, tc := range []struct {
		name, inForce, brought, want string
	}{
		{"in force", office, "", ""},
		{"brought", "", office, ""},
		{"none", "", "", "there is no policy that could name trunk-carrier-a.trust"},
		{"another trunk", strings.ReplaceAll(office, "carrier-a", "carrier-b"), "", `no trunk "carrier-a"`},
	} {
		b := &bench{inForce: tc.inForce}
		taker, _ := b.taker(t)
		files := maps.Clone(certificate)
		if tc.brought != "" {
			files[PolicyFile] = []byte(tc.brought)
		}
		s, err := taker.Examine(files)
		if tc.want != "" {
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: %v", tc.name, err)
			}
			continue
		}
		if err != nil || !strings.Contains(string(s.document), "the authority") || !strings.Contains(string(s.document), "alice") || len(s.Changes) != 1 {
			t.Errorf("%s: %v\n%s", tc.name, err, s.document)
		}
	}
}

func TestABackupIsTakenApart(t *testing.T) {
	text, err := WriteBackup(Backup{Serial: "B6", Files: map[string]string{PolicyFile: small, RecordsFile: "{}\n"}})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{}
	taker, key := b.taker(t)
	sealed := []byte(seal(t, string(text), envelope.For{Recipients: []string{key.Recipient()}}))
	opened, err := taker.Open(map[string][]byte{"backup-b6-2026-11-23.age": sealed, "photo.jpg": nil}, "")
	if names := slices.Sorted(maps.Keys(opened)); err != nil || !slices.Equal(names, []string{PolicyFile, RecordsFile}) {
		t.Fatalf("%q, %v", names, err)
	}
	if _, err := taker.Open(map[string][]byte{"backup-b6.age": sealed, PolicyFile: []byte(small)}, ""); err == nil || !strings.Contains(err.Error(), "there twice") {
		t.Error(err)
	}
	if _, err := WriteBackup(Backup{Files: map[string]string{PolicyFile: strings.Repeat("x", MaxBackup)}}); err == nil {
		t.Error("a backup that no box would take was written")
	}
}

// Whatever a backup is, it is told apart into files that this version knows, or refused.
func FuzzReadBackup(f *testing.F) {
	f.Add([]byte(`{"tollgate_backup":1,"serial":"B7","at":"2026-11-23T01:00:00Z","files":{"policy.yaml":"version: 1\n"}}`))
	f.Add([]byte(`{"tollgate_backup":1,"files":{"records.json":"{}","../x":""}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		files, err := readBackup(text)
		for name := range files {
			if err != nil || !known(name) {
				t.Errorf("%q, %v", name, err)
			}
		}
	})
}
