package policy

import (
	"strings"
	"testing"
)

func TestFilesOfCertificatesGoToTheirPlaces(t *testing.T) {
	const doc = small + "phones: {domain: cloud.example, most: 5}\n"
	files := map[string]string{}
	for _, whose := range []string{"page", "pbx", "phones", "trunk-carrier-a", "stir-carrier-a"} {
		for _, end := range []string{".crt", ".key", ".trust"} {
			if name := whose + end; name != "page.trust" {
				files[name] = "text of " + name
			}
		}
	}
	named, err := WithFiles([]byte(strings.Replace(doc, "carrier-a", "Carrier-A", 1)), files)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := decode(named) // whether it is all right, Parse tells
	if err != nil {
		t.Fatal(err)
	}
	trunk := p.Trunks[0]
	for name, got := range map[string]string{
		"page.crt": p.Admin.Certificate, "page.key": p.Admin.Key.Reveal(),
		"pbx.crt": p.PBX.TLS.Certificate, "pbx.key": p.PBX.TLS.Key.Reveal(), "pbx.trust": p.PBX.TLS.Trust,
		"phones.crt": p.Phones.TLS.Certificate, "phones.key": p.Phones.TLS.Key.Reveal(), "phones.trust": p.Phones.TLS.Trust,
		"trunk-carrier-a.crt": trunk.TLS.Certificate, "trunk-carrier-a.key": trunk.TLS.Key.Reveal(), "trunk-carrier-a.trust": trunk.TLS.Trust,
		"stir-carrier-a.crt": trunk.Stir.Certificate, "stir-carrier-a.key": trunk.Stir.Key.Reveal(), "stir-carrier-a.trust": trunk.Stir.Trust,
	} {
		if got != files[name] || files[name] == "" {
			t.Errorf("%s: %q", name, got)
		}
	}
	for name, want := range map[string]string{"trunk-b.crt": `no trunk "b"`, "page.trust": "asks browsers for no certificate"} {
		if _, err := WithFiles([]byte(doc), map[string]string{name: "x"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := WithFiles([]byte("trunks: 7\n"), files); err == nil {
		t.Error("a document that cannot be read was written")
	}
}

func TestTheNamesOfCertificateFilesAreKnown(t *testing.T) {
	for name, want := range map[string][2]bool{
		"page.crt": {true}, "page.key": {true, true}, "pbx.trust": {true}, "trunk-a.key": {true, true}, "stir-a.crt": {true},
		"photo.crt": {}, "page.pem": {}, ".crt": {}, "trunk.crt": {}, "page.crt.age": {},
	} {
		if is, private := CertificateFile(name); is != want[0] || private != want[1] {
			t.Errorf("%s: %v, %v", name, is, private)
		}
	}
}
