package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/firmware/bundle"
	"tollgate/firmware/delivery"
	"tollgate/firmware/envelope"
	"tollgate/firmware/policy"
)

const office = `version: 1
site: {name: {{name}}, country: FR, time_zone: Europe/Paris}
network:
  inside: {interface: eth0, address: {{inside}}}
  outside: {interface: eth1, address: 198.51.100.10/24}
pbx: {address: 192.0.2.20}
limits: {calls: {{calls}}}
trunks:
  - name: carrier-a
    domain: a.example
    registrar: sip.a.example
    transport: tls
    accounts:
      - user: {{user}}
        secret: {{password}}
        numbers: [{{numbers...}}]
`

const (
	head   = "serial;mac;recipient;name;inside;calls;user;password;numbers\n"
	secret = `kite"Harbour\7 {{user}}: #quince`
)

func row(serial, mac, recipient, name, inside string) string {
	return fmt.Sprintf("%s;%s;%s;%s;%s;20;alice;%s;+33423456700 +33423456701\n", serial, mac, recipient, cell(name), inside, cell(secret))
}

// cell writes a cell in quotes, as spreadsheets do.
func cell(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }

func identity(t *testing.T) envelope.Identity {
	t.Helper()
	i, err := envelope.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// start is the program; tests call their own way of running it run.
var start = run

// bench is a folder with a list, a template and a key.
func bench(t *testing.T, list string) (dir string, public ed25519.PublicKey, run func(more ...string) (string, error)) {
	t.Helper()
	dir = t.TempDir()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"list.csv": list, "office.yaml": office, "key.pem": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, public, func(more ...string) (string, error) {
		var said strings.Builder
		args := []string{"--list", filepath.Join(dir, "list.csv"), "--policy", filepath.Join(dir, "office.yaml"), "--key", filepath.Join(dir, "key.pem"), "--number", "7", "--out", filepath.Join(dir, "out")}
		err := start(append(args, more...), &said)
		return said.String(), err
	}
}

// stick reads what was laid out for a box.
func stick(t *testing.T, dir, name string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	folder := filepath.Join(dir, "out", name, "tollgate")
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(folder, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestEachBoxGetsAStickThatItAloneTakes(t *testing.T) {
	own := identity(t)
	dir, public, run := bench(t, head+row("B7", "", own.Recipient(), "Lyon: \"centre\"", "192.0.2.10/24")+row("", "02:00:5E:00:53:01", "", "Nantes", "192.0.2.11/24"))
	with := filepath.Join(dir, "with")
	if err := os.MkdirAll(filepath.Join(with, "B7"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"bans.txt": "203.0.113.9\n", "B7/trunk-carrier-a.key": "the key"} {
		if err := os.WriteFile(filepath.Join(with, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said, err := run("--with", with)
	if err != nil || strings.Contains(said, "Harbour") {
		t.Fatalf("%s, %v", said, err)
	}
	keys := []bundle.Key{{Name: "integrator", Key: public, May: bundle.Settings}}
	for _, tc := range []struct{ box, other, site string }{{"B7", "02-00-5e-00-53-01", `Lyon: "centre"`}, {"02-00-5e-00-53-01", "B7", "Nantes"}} {
		files := stick(t, dir, tc.box)
		if _, err := bundle.Check(files, bundle.Trust{Keys: keys, Serial: tc.other}); err == nil {
			t.Errorf("%s takes the stick of %s", tc.other, tc.box)
		}
		if seal, err := bundle.Check(files, bundle.Trust{Keys: keys, Serial: tc.box}); err != nil || seal.Number != 7 {
			t.Errorf("%s: %+v, %v", tc.box, seal, err)
		}
		taker := delivery.New(delivery.Options{Key: own})
		opened, err := taker.Open(files, "")
		if err != nil {
			t.Fatal(err)
		}
		p, err := policy.Parse(opened[delivery.PolicyFile])
		if err != nil {
			t.Fatal(err)
		}
		if a := p.Trunks[0].Accounts[0]; p.Site.Name != tc.site || a.Secret.Reveal() != secret || len(a.Numbers) != 2 || p.Limits.Calls != 20 || len(opened[delivery.BlockListFile]) == 0 {
			t.Errorf("%s: %+v %+v", tc.box, p.Site, a)
		}
		if sealed := tc.box == "B7"; sealed != (files["policy.yaml.age"] != nil) || sealed != (string(opened["trunk-carrier-a.key"]) == "the key") || files["trunk-carrier-a.key"] != nil {
			t.Errorf("%s: sealed wrongly", tc.box)
		}
	}
	if !strings.Contains(said, "B7  number 7, sealed for the box\n") || !strings.Contains(said, "its secrets can be read") {
		t.Errorf("said: %s", said)
	}
}

func TestEveryFaultOfAListIsToldByLineAndColumnAndNothingIsWritten(t *testing.T) {
	good := row("B7", "", "", "Lyon", "192.0.2.10/24")
	for _, tc := range []struct{ name, list, want string }{
		{"empty", "", "line 1: the list is empty"},
		{"no box column", "name;user\nx;y\n", "line 1: no column is called serial or mac"},
		{"a column of the policy missing", "serial;name\nB7;Lyon\n", "line 1, column user: is missing, and line 14 of the policy"},
		{"a column too many", strings.Replace(head, "\n", ";fax\n", 1), "line 1, column fax: is used nowhere"},
		{"twice", head + good + good, "line 3: is for the box of line 2"},
		{"nobody's", head + row("", "", "", "Lyon", "192.0.2.10/24"), "line 2: names no box"},
		{"serial", head + row("../B7", "", "", "Lyon", "192.0.2.10/24"), "line 2, column serial: is no serial number"},
		{"mac", head + row("", "02:00", "", "Lyon", "192.0.2.10/24"), "line 2, column mac: is no MAC address"},
		{"recipient", head + row("B7", "", "age1x", "Lyon", "192.0.2.10/24"), "line 2, column recipient: is no recipient"},
		{"cell missing", head + row("B7", "", "", "", "192.0.2.10/24"), "line 2, column name: is empty"},
		{"too few", head + "B7;x\n", "line 2: has 2 columns where the first line has 9"},
		{"a wrong address", head + good + row("B8", "", "", "Nice", "192.0.2.999/24"), "line 3, column inside: the policy, line 4: network.inside.address"},
		{"an open quote", head + good + "B8;\"", "line 3: cannot be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir, _, run := bench(t, tc.list)
			said, err := run()
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v does not say %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "Harbour") || said != "" {
				t.Errorf("too much is said: %v %s", err, said)
			}
			if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
				t.Error("something was written")
			}
		})
	}
}

// Whatever a list holds, reading it ends, every box has a name that is one folder, and no two have the same.
func FuzzReadList(f *testing.F) {
	f.Add(head + row("B7", "", "", "Lyon", "192.0.2.10/24") + row("", "02:00:5e:00:53:01", "", "Nantes", "192.0.2.11/24"))
	f.Add("serial,user\nB7,\"x\ny\"\n")
	f.Add("\ufeffmac\tuser\n02:00:5e:00:53:01\tx\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, boxes, _ := readList(text)
		seen := map[string]bool{}
		for _, b := range boxes {
			name := strings.ToLower(b.name)
			if filepath.Base(b.name) != b.name || seen[name] {
				t.Fatalf("%q", b.name)
			}
			seen[name] = true
		}
	})
}

// Whatever stands in a cell is a value of the policy and nothing else.
func FuzzFill(f *testing.F) {
	f.Add(secret)
	f.Add("x\ntrunks: []")
	f.Add("0x10")
	f.Fuzz(func(t *testing.T, text string) {
		_, boxes, faults := readList("serial;name\nB7;" + cell(text) + "\n")
		if len(faults) > 0 || len(boxes) != 1 || boxes[0].cells["name"] == "" {
			return
		}
		const doc = "version: 1\nsite: {name: {{name}}, country: FR, time_zone: Europe/Paris}\nnetwork:\n  inside: {interface: eth0, address: 192.0.2.10/24}\n  outside: {interface: eth1, address: 198.51.100.10/24}\npbx: {address: 192.0.2.20}\ntrunks:\n  - {name: a, domain: a.example, transport: udp, accounts: [{user: alice, numbers: [+33423456700]}]}\n"
		filled, wrong := template(doc).fill(boxes[0])
		if len(wrong) > 0 {
			return
		}
		p, err := policy.Parse([]byte(filled))
		if err != nil || p.Site.Name != boxes[0].cells["name"] || len(p.Trunks) != 1 {
			t.Errorf("%q became something else: %v", text, err)
		}
	})
}
