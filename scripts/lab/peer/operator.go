package peer

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
)

// CertificatePort is where a carrier that signs calls gives out its certificate for numbers, by https.
const CertificatePort = 8443

// operator is what a carrier signs with, and what it judges the trunk's signatures by: files, and the place of its certificate.
type operator struct{ Key, Certificate, Trunk, URL string }

func (c *Carrier) operator() operator {
	folder := filepath.Join(c.folder(), "numbers")
	at := netip.AddrPortFrom(c.Host.Address, CertificatePort)
	return operator{
		Key: filepath.Join(folder, "key.pem"), Certificate: filepath.Join(folder, "web", "operator.pem"), Trunk: filepath.Join(folder, "trunk.pem"),
		URL: fmt.Sprintf("https://%s/v1/pub/operator.pem", at),
	}
}

// publish makes the carrier's certificate for numbers and gives it out with secsipidx, by TLS with this key and certificate.
func (c *Carrier) publish(key, certificate []byte) error {
	own := c.operator()
	web, folder := filepath.Dir(own.Certificate), filepath.Dir(own.Key)
	if err := os.MkdirAll(web, 0o700); err != nil {
		return fmt.Errorf("publish a certificate: %w", err)
	}
	signing, operator, err := c.Authority.IssueForNumbers("1234")
	if err != nil {
		return err
	}
	webKey, webCertificate := filepath.Join(folder, "web.key.pem"), filepath.Join(folder, "web.pem")
	if err := writeFiles(map[string][]byte{own.Key: signing, own.Certificate: operator, webKey: key, webCertificate: certificate}); err != nil {
		return err
	}
	at := netip.AddrPortFrom(c.Host.Address, CertificatePort)
	c.web, err = c.Host.Start("certificates", "secsipidx", "-https-srv", at.String(), "-https-prvkey", webKey, "-https-pubkey", webCertificate, "-http-dir", web)
	return err
}

// Knows gives a carrier that signs calls the certificate, in PEM, by which it judges those of the trunk.
func (c *Carrier) Knows(certificate []byte) error {
	return writeFiles(map[string][]byte{c.operator().Trunk: certificate})
}
