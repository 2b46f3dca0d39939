package policy

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// TrustSystem is the TLS.Trust that stands for the public certification authorities.
const TrustSystem = "system"

// trust checks TLS.Trust: "system", or PEM with at least one certificate and nothing else. Empty is the box's own
// authority, which only the PBX has.
func (c *checker) trust(path, s string) {
	if s == "" || s == TrustSystem {
		return
	}
	if _, problem := certificates(s); problem != "" {
		c.fault(path, `write "system", or the certificates from -----BEGIN to -----END in a block behind |`, "%s", problem)
	}
}

// tidyTrust writes the certificates of a PEM text afresh, so that the same ones are the same text whatever blanks, line
// ends and remarks stood around them. What is not right stays as it is, for Check to tell.
func tidyTrust(s string) string {
	if s == "" || s == TrustSystem {
		return s
	}
	list, problem := certificates(s)
	if problem != "" || len(list) == 0 {
		return s
	}
	var b bytes.Buffer
	for _, cert := range list {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	}
	return b.String()
}

// certificates returns the certificates of a PEM text, or says what is wrong with it. It never repeats the text: people
// paste private keys.
func certificates(s string) (list []*x509.Certificate, problem string) {
	rest := []byte(strings.TrimSpace(s))
	for len(rest) > 0 {
		block, after := pem.Decode(rest)
		switch {
		case block == nil && list == nil:
			return nil, "is not PEM"
		case block == nil:
			return nil, fmt.Sprintf("holds something that is not PEM after certificate %d", len(list))
		case strings.Contains(block.Type, "PRIVATE KEY"):
			return nil, "holds a private key, which has no place here"
		case block.Type != "CERTIFICATE":
			return nil, "holds PEM that is no certificate"
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Sprintf("certificate %d cannot be read", len(list)+1)
		}
		list, rest = append(list, cert), bytes.TrimSpace(after)
	}
	if list == nil {
		return nil, "is not PEM"
	}
	return list, ""
}
