package policy

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// maxPEM bounds a key, in bytes of text.
const maxPEM = 64 << 10

func (s *TLS) derive(set func(field, value any)) {
	set(&s.Wildcards, WildcardsRefused)
	set(&s.ClientAuthentication, ClientAuthOff)
}

// tidy writes the PEM texts afresh, so that the same ones are the same text whatever stood around them. What is not
// right stays as it is, for Check to tell.
func (s *TLS) tidy() {
	s.Trust, s.Certificate = tidyTrust(s.Trust), tidyTrust(s.Certificate)
	if strings.TrimSpace(s.Key.Reveal()) == string(SecretMask) {
		s.Key = SecretMask // written as a block
	}
	key, problem := privateKey(s.Key)
	if problem != "" {
		return
	}
	if der, err := x509.MarshalPKCS8PrivateKey(key); err == nil {
		s.Key = Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
}

// identity is what is checked, tidied and masked as the certificate that a peer sees is.
func (a Admin) identity() TLS { return TLS{Certificate: a.Certificate, Key: a.Key} }

func (a *Admin) tidy() {
	t := a.identity()
	t.tidy()
	a.Certificate, a.Key = t.Certificate, t.Key
}

// ownCertificate checks the certificate that the box shows to a peer. No fault tells anything of the key.
func (c *checker) ownCertificate(path string, s TLS) {
	const hint = "write both as text from -----BEGIN to -----END, each in a block behind |"
	switch {
	case s.Certificate == "" && s.Key == "":
		return
	case s.Certificate == "":
		c.fault(path+".key", "add the certificate, or remove the key", "has no effect without a certificate")
		return
	case s.Key == "":
		c.fault(path+".key", hint, "is missing, and a certificate is of no use without it")
	case s.Key != SecretMask:
		if _, problem := privateKey(s.Key); problem != "" {
			c.fault(path+".key", hint, "%s", problem)
			return
		}
	}
	if _, problem := certificates(s.Certificate); problem != "" {
		c.fault(path+".certificate", hint, "%s", problem)
	} else if problem := s.mismatch(); problem != "" {
		c.fault(path+".key", "write the key that the certificate was asked for with", "%s", problem)
	}
}

// mismatch says that the key is not that of the certificate; nothing when either is missing or masked.
func (s TLS) mismatch() string {
	if s.Certificate == "" || s.Key == "" || s.Key == SecretMask {
		return ""
	}
	list, problem := certificates(s.Certificate)
	key, keyProblem := privateKey(s.Key)
	if problem != "" || keyProblem != "" {
		return ""
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(list[0].PublicKey) {
		return "does not belong to the first certificate"
	}
	return ""
}

// privateKey reads one private key in PEM: PKCS #8, PKCS #1 (RSA) or SEC 1 (elliptic curves).
func privateKey(s Secret) (crypto.Signer, string) {
	text := strings.TrimSpace(s.Reveal())
	if len(text) > maxPEM {
		return nil, "is longer than any key"
	}
	block, rest := pem.Decode([]byte(text))
	if block != nil && block.Type == "EC PARAMETERS" { // openssl writes the curve in front of the key
		block, rest = pem.Decode(rest)
	}
	switch {
	case block == nil:
		return nil, "is not PEM"
	case strings.TrimSpace(string(rest)) != "":
		return nil, "holds more than one key"
	case strings.Contains(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "":
		return nil, "is protected by a passphrase, which nobody could type at the box"
	}
	return parseKey(block)
}

func parseKey(block *pem.Block) (crypto.Signer, string) {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, "holds PEM that is no private key"
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, "cannot be read"
	}
	if ec, ok := key.(*ecdsa.PrivateKey); ok && ec.Curve.Params().BitSize < 256 {
		return nil, "is of a curve that TLS does not use"
	}
	return signer, ""
}
