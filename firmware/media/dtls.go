package media

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"

	"tollgate/firmware/policy"
)

// DTLS says how a handshake on the leg's own ports makes its keys (RFC 5763, RFC 5764). Until it has, nothing passes on the
// leg.
type DTLS struct {
	Active bool // we begin the handshake; otherwise the peer does
	// Fingerprints are what signalling says of the peer's certificate, which must be of one of them.
	Fingerprints []Fingerprint
	Suites       []policy.Suite // in order of preference; those that DTLS does not know are passed over
	// Failed is told why a handshake has failed, once for each. It is called from another goroutine and must not block.
	Failed func(error)
}

// profiles are the suites that a handshake can agree on (RFC 5764 §4.1.2, RFC 7714 §14.2). AES-256 in counter mode has none.
var profiles = map[policy.Suite]dtls.SRTPProtectionProfile{
	policy.SuiteAESCM128SHA180: dtls.SRTP_AES128_CM_HMAC_SHA1_80,
	policy.SuiteAESCM128SHA132: dtls.SRTP_AES128_CM_HMAC_SHA1_32,
	policy.SuiteAEADAES128GCM:  dtls.SRTP_AEAD_AES_128_GCM,
	policy.SuiteAEADAES256GCM:  dtls.SRTP_AEAD_AES_256_GCM,
}

func (d *DTLS) check() error {
	switch {
	case len(d.Fingerprints) == 0:
		return errors.New("the peer's certificate is not known")
	case len(d.profiles()) == 0:
		return fmt.Errorf("none of the suites %v can be agreed on by DTLS", d.Suites)
	}
	return nil
}

func (d *DTLS) profiles() (list []dtls.SRTPProtectionProfile) {
	for _, s := range d.Suites {
		if p, ok := profiles[s]; ok {
			list = append(list, p)
		}
	}
	return list
}

// same tells whether a handshake by d is good for o as well.
func (d *DTLS) same(o *DTLS) bool {
	return d.Active == o.Active && slices.Equal(d.Fingerprints, o.Fingerprints)
}

// vouched checks the peer's certificate. Who signed it says nothing, and its dates neither (RFC 5763 §5).
func (d *DTLS) vouched(certificates [][]byte, _ [][]*x509.Certificate) error {
	if len(certificates) == 0 || !slices.Contains(d.Fingerprints, sha256.Sum256(certificates[0])) {
		return errors.New("the certificate is not the one that the signalling names")
	}
	return nil
}

// config is how a handshake goes: DTLS 1.2 with forward secrecy, certificates on both sides, and the extended master
// secret (RFC 7627), without which two handshakes could be made to yield the same keys.
func (d *DTLS) config(own identity) []dtls.Option {
	return []dtls.Option{
		dtls.WithCertificates(own.certificate),
		// Whatever authorities the peer names: it judges by the fingerprint, like us (RFC 5763 §5).
		dtls.WithGetClientCertificate(func(*dtls.CertificateRequestInfo) (*tls.Certificate, error) { return &own.certificate, nil }),
		dtls.WithCipherSuites(
			dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, dtls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, dtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
		dtls.WithSRTPProtectionProfiles(d.profiles()...),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithInsecureSkipVerify(true), // of who signed it; the fingerprint is verified instead
		dtls.WithVerifyPeerCertificate(d.vouched),
		dtls.WithLoggerFactory(&logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}),
	}
}

// suiteOf is the suite of a profile.
func suiteOf(p dtls.SRTPProtectionProfile) (policy.Suite, bool) {
	for s, q := range profiles {
		if p == q {
			return s, true
		}
	}
	return "", false
}

// agreed takes the keys of both directions out of a handshake (RFC 5764 §4.2):
//
//	client's key | server's key | client's salt | server's salt
func agreed(c *dtls.Conn, active bool) (send, receive Keys, err error) {
	profile, ok := c.SelectedSRTPProtectionProfile()
	suite, known := suiteOf(profile)
	if !ok || !known {
		return send, receive, errors.New("no SRTP suite was agreed on")
	}
	state, ok := c.ConnectionState()
	if !ok {
		return send, receive, errors.New("the handshake has no result")
	}
	send.Suite, receive.Suite = suite, suite
	key, salt, err := send.lengths()
	if err != nil {
		return send, receive, err
	}
	b, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(key+salt))
	if err != nil {
		return send, receive, fmt.Errorf("exporting the keys: %w", err)
	}
	client := slices.Concat(b[:key], b[2*key:2*key+salt])
	server := slices.Concat(b[key:2*key], b[2*key+salt:])
	if send.Key, receive.Key = server, client; active {
		send.Key, receive.Key = client, server
	}
	return send, receive, nil
}

// Fingerprint is that of the certificate which the box shows on this leg.
func (l *Leg) Fingerprint() Fingerprint { return l.session.relay.identity.fingerprint }

// associate finds or makes the association of each flow that needs one for a setting. One that fits goes on, so that a
// session refresh makes no new keys (RFC 5763 §6.6); none is begun yet.
func (l *Leg) associate(p Params, n *setting) {
	wanted := [2]netip.AddrPort{n.remote, n.control}
	for i, f := range []*flow{l.half.rtp, l.half.rtcp} {
		old := l.associations[i]
		switch {
		case f.control && n.mux:
		case old != nil && old.fits(p.DTLS, wanted[i], p.ICE != nil):
			n.associations[i] = old
		case wanted[i].IsValid():
			n.associations[i] = newAssociation(l.session.relay, f, p.DTLS, wanted[i])
		}
	}
	n.handshakes, n.ice = true, p.ICE
}

// begin starts the associations of a setting that is in force, and ends those that are not in it.
func (l *Leg) begin(n setting) {
	for i, a := range n.associations {
		old := l.associations[i]
		if old == a {
			continue
		}
		l.associations[i] = a
		if old != nil {
			old.end()
		}
		if a != nil {
			a.begin()
		}
	}
}
