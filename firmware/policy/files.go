package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The files that hold a certificate, its key or the certificates that are believed, in PEM, end so.
const (
	certificateEnd = ".crt"
	keyEnd         = ".key"
	trustEnd       = ".trust"
)

// CertificateFile tells whether a file of this name has a place in a policy: whose it is and what, as page.crt, pbx.trust, phones.key,
// trunk-carrier-a.crt or, for signatures of calls (SHAKEN), stir-carrier-a.key. private: it is a key.
func CertificateFile(name string) (is, private bool) {
	whose, end := cutEnd(name)
	_, trunk := strings.CutPrefix(whose, "trunk-")
	_, stir := strings.CutPrefix(whose, "stir-")
	is = end != "" && (trunk || stir || whose == "page" || whose == "pbx" || whose == "phones")
	return is, is && end == keyEnd
}

func cutEnd(name string) (whose, end string) {
	for _, end := range []string{certificateEnd, keyEnd, trustEnd} {
		if whose, found := strings.CutSuffix(name, end); found && whose != "" {
			return whose, end
		}
	}
	return name, ""
}

// WithFiles returns a document with the text of files, named as CertificateFile knows them, in the places of their names. Only what
// keeps a document from being read is told; whoever takes the new one checks it. The names of trunks may be written in small letters.
func WithFiles(doc []byte, files map[string]string) ([]byte, error) {
	p, d, err := decode(doc)
	if err != nil {
		return nil, err
	}
	if len(d.faults) > 0 {
		return nil, d.faults.inOrder()
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := p.place(name, files[name]); err != nil {
			return nil, err
		}
	}
	return p.write(Secret.Reveal), nil
}

// place puts the text of a file where its name says.
func (p *Policy) place(name, text string) error {
	whose, end := cutEnd(name)
	certificate, key, trust, err := p.filesOf(whose)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	case end == certificateEnd:
		*certificate = text
	case end == keyEnd:
		*key = Secret(text)
	case trust == nil:
		return fmt.Errorf("%s: the page asks browsers for no certificate", name)
	default:
		*trust = text
	}
	return nil
}

func (p *Policy) filesOf(whose string) (certificate *string, key *Secret, trust *string, err error) {
	of := func(t *TLS) (*string, *Secret, *string, error) { return &t.Certificate, &t.Key, &t.Trust, nil }
	switch whose {
	case "page":
		return &p.Admin.Certificate, &p.Admin.Key, nil, nil
	case "pbx":
		return of(&p.PBX.TLS)
	case "phones":
		return of(&p.Phones.TLS)
	}
	kind, name, _ := strings.Cut(whose, "-")
	for i := range p.Trunks {
		if t := &p.Trunks[i]; strings.EqualFold(t.Name, name) {
			if kind == "stir" {
				return &t.Stir.Certificate, &t.Stir.Key, &t.Stir.Trust, nil
			}
			return of(&t.TLS)
		}
	}
	return nil, nil, nil, fmt.Errorf("the policy has no trunk %.80q", name)
}
