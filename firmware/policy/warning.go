package policy

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Warning is something that works and that the operator should know the price of.
type Warning struct {
	Path string // such as trunks[0].transport
	Text string // a sentence
}

// String prints the warning on one line.
func (w Warning) String() string { return w.Path + ": " + w.Text }

// expiresSoon is how long before its end a certificate is warned of.
const expiresSoon = 30 * 24 * time.Hour

// Warnings lists what a policy without faults costs, in the order of the document: what travels in the clear outside, and
// certificates that peers will not accept at the moment now.
func (p *Policy) Warnings(now time.Time) []Warning {
	var list []Warning
	add := func(path, text string, args ...any) { list = append(list, Warning{path, fmt.Sprintf(text, args...)}) }
	p.weakSecrets(now, add)
	readableKeys(p.PBX.encryption(), add)
	clearFax("pbx", p.PBX.ClearT38, now, add)
	ownCertificate("pbx.tls.certificate", p.PBX.TLS, "", now, add)
	if p.Phones.Used() {
		inTheClear("phones", "the phones' PBX", p.Phones.Transport, p.Phones.SRTP, add)
		readableKeys(p.Phones.encryption(), add)
		ownCertificate("phones.tls.certificate", p.Phones.TLS, "", now, add)
	}
	for i, t := range p.Trunks {
		path := index("trunks", i)
		inTheClear(path, "carrier "+t.Name, t.Transport, t.SRTP, add)
		readableKeys(t.encryption(path), add)
		clearFax(path, t.ClearT38, now, add)
		ownCertificate(path+".tls.certificate", t.TLS, t.OwnName, now, add)
		signs(path+".stir.certificate", t.Stir, now, add)
	}
	return list
}

// inTheClear tells what somebody on the way to a peer outside learns.
func inTheClear(path, peer string, t Transport, m SRTPMode, add func(path, text string, args ...any)) {
	if t != TLSTransport {
		add(path+".transport", "Signalling to %s travels in the clear over %s: everybody on the way sees who calls whom, can try "+
			"passwords against what is seen, and can change or forge calls.", peer, t)
	}
	switch m {
	case SRTPOff:
		add(path+".srtp", "Calls with %s are not encrypted: everybody on the way can listen.", peer)
	case SRTPOptional, SRTPOpportunistic:
		add(path+".srtp", "Calls with %s are not encrypted when it does not want them to be: then everybody on the way can listen.", peer)
	}
}

// ownCertificate tells why a peer may refuse the box's certificate.
func ownCertificate(path string, s TLS, name string, now time.Time, add func(path, text string, args ...any)) {
	certs, problem := certificates(s.Certificate)
	if s.Certificate == "" || problem != "" {
		return
	}
	own := certs[0]
	lifetime(path, own, "the peer will refuse the connection", now, add)
	if !usableByClients(own) {
		add(path, "The certificate is not one for clients, as public authorities issue them nowadays: a peer that is strict about it "+
			"refuses the box when the box connects.")
	}
	if name != "" && own.VerifyHostname(name) != nil {
		add(path, "The certificate is for %s and not for own_name, %s: the peer may refuse calls.", orNothing(own.DNSNames), name)
	}
}

// lifetime tells when a certificate is not valid, and what comes of it once it has ended.
func lifetime(path string, own *x509.Certificate, then string, now time.Time, add func(path, text string, args ...any)) {
	day := func(t time.Time) string { return t.UTC().Format(time.DateOnly) }
	switch {
	case now.Before(own.NotBefore):
		add(path, "The certificate is valid from %s on only, and it is %s now.", day(own.NotBefore), day(now))
	case now.After(own.NotAfter):
		add(path, "The certificate has ended on %s: %s.", day(own.NotAfter), then)
	case own.NotAfter.Sub(now) < expiresSoon:
		add(path, "The certificate ends on %s: ask for the next one now.", day(own.NotAfter))
	}
}

// signs tells when what signs calls does not any more.
func signs(path string, s Stir, now time.Time, add func(path, text string, args ...any)) {
	if certs, problem := certificates(s.Certificate); s.Certificate != "" && problem == "" {
		lifetime(path, certs[0], "calls are not signed any more", now, add)
	}
}

// usableByClients tells whether a certificate may be shown by a client (RFC 5280 §4.2.1.12).
func usableByClients(c *x509.Certificate) bool {
	return len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 ||
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "no host name"
	}
	return strings.Join(names[:min(len(names), 3)], ", ")
}
