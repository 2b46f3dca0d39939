package policy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/url"
	"slices"
)

// Stir says how calls to a carrier are signed and how the signatures of its calls are judged (RFC 8224, RFC 8588).
type Stir struct {
	Sign Signing `yaml:"sign"` // default off
	// Certificate and Key are what calls are signed with: PEM, the box's own certificate first, of the curve P-256 and with
	// a TNAuthList (RFC 8226).
	Certificate string `yaml:"certificate"`
	Key         Secret `yaml:"key"`
	URL         string `yaml:"url"` // where everybody finds Certificate, by https; with Sign

	Verify Verifying `yaml:"verify"` // default off
	Trust  string    `yaml:"trust"`  // PEM of the authorities whose certificates count; with Verify
}

// Signing says whether calls are signed.
type Signing string

// The words for it.
const (
	SignOff Signing = "off"
	SignOn  Signing = "on"
)

// Verifying is what becomes of the signatures of a carrier's calls.
type Verifying string

// The ways: nothing; the PBX is told what came of it; and a call whose signature is missing or wrong is refused as well.
const (
	VerifyOff    Verifying = "off"
	VerifyMark   Verifying = "mark"
	VerifyRefuse Verifying = "refuse"
)

func (s *Stir) derive(set func(field, value any)) {
	set(&s.Sign, SignOff)
	set(&s.Verify, VerifyOff)
}

// identity is what is checked, tidied and masked as the certificate of TLS is.
func (s Stir) identity() TLS { return TLS{Trust: s.Trust, Certificate: s.Certificate, Key: s.Key} }

func (s *Stir) tidy() {
	t := s.identity()
	t.tidy()
	s.Trust, s.Certificate, s.Key = t.Trust, t.Certificate, t.Key
}

// Used tells whether calls of the trunk are signed or judged.
func (s Stir) Used() bool {
	return s.Sign == SignOn || s.Verify == VerifyMark || s.Verify == VerifyRefuse
}

func (c *checker) stir(path string, s Stir) {
	if one(c, path+".sign", s.Sign, SignOff, SignOn) {
		c.signing(path, s)
	}
	if !one(c, path+".verify", s.Verify, VerifyOff, VerifyMark, VerifyRefuse) {
		return
	}
	const pasted = "paste the certificates of the authorities that count, in a block behind |"
	switch {
	case s.Verify == VerifyOff && s.Trust != "":
		c.fault(path+".trust", "write verify: mark or refuse, or remove it", "has no effect with verify: off")
	case s.Verify == VerifyOff:
	case s.Trust == TrustSystem:
		c.fault(path+".trust", pasted, "cannot be system: who issues certificates for web sites says nothing of telephone numbers")
	case c.required(path+".trust", s.Trust != "", pasted):
		c.trust(path+".trust", s.Trust)
	}
}

// signing checks what calls are signed with. No fault tells anything of the key.
func (c *checker) signing(path string, s Stir) {
	if s.Sign == SignOff {
		for _, e := range []struct{ key, value string }{{"certificate", s.Certificate}, {"key", s.Key.Reveal()}, {"url", s.URL}} {
			if e.value != "" {
				c.fault(path+"."+e.key, "write sign: on, or remove it", "has no effect with sign: off")
			}
		}
		return
	}
	if u, err := url.Parse(s.URL); c.required(path+".url", s.URL != "", "write where the certificate can be fetched, such as https://certificates.example/office.pem") &&
		(err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(s.URL) > maxURL) {
		c.fault(path+".url", "write https://, a host and a path", "%s is no address that a certificate is fetched from", quoted(s.URL))
	}
	if !c.required(path+".certificate", s.Certificate != "", "write the certificate for telephone numbers as text from -----BEGIN to -----END, in a block behind |") {
		return
	}
	c.ownCertificate(path, s.identity())
	if list, problem := certificates(s.Certificate); problem == "" {
		c.numberCertificate(path+".certificate", list[0])
	}
}

// maxURL bounds an address in a header field, in bytes.
const maxURL = 512

// numberCertificate checks that others can accept what is signed with a certificate (RFC 8225 §8, RFC 8226 §9).
func (c *checker) numberCertificate(path string, own *x509.Certificate) {
	const hint = "ask the authority for one for STIR/SHAKEN"
	if key, ok := own.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		c.fault(path, hint, "has no key of the curve P-256, and nothing else signs calls")
	}
	numbers := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 26}
	if !slices.ContainsFunc(own.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(numbers) }) {
		c.fault(path, hint, "does not say for which numbers it speaks (TNAuthList)")
	}
}
