package branch

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"net/netip"
	"strings"
	"text/template"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/peer"
)

//go:embed policy.yaml.tmpl
var policyTemplate string

// policyData is what the template of the box's policy sees.
type policyData struct {
	Inside, Outside struct {
		Interface        string
		Address, Network netip.Prefix
	}
	Gateway, Public netip.Addr
	Learn           bool // the public address
	PBX             struct {
		Address                                          netip.AddrPort
		Transport, User, Secret, SRTP, Trust, ServerName string
		Registers, Contact, OnlyMD5                      bool
		Overflow                                         string
	}
	Trunk struct {
		Domain, Number, User, Secret, Trust, Transport, SRTP string
		Certificate, Key                                     string // of the box, with mutual TLS
		Keying, Suites                                       string
		Signing                                              struct{ Key, Certificate string } // of calls
		Port                                                 int
		Numbers                                              []string
	}
}

// Encrypt puts a policy into force by which calls with the carrier are encrypted with the suites of a list alone.
func (b *Branch) Encrypt(ctx context.Context, suites string) error {
	b.Wishes.Suites = suites
	policy, err := b.Policy()
	if err != nil {
		return err
	}
	return b.Box.Import(ctx, policy)
}

// Policy returns the box's policy document for this branch.
func (b *Branch) Policy() (string, error) {
	t, err := template.New("policy").Parse(policyTemplate)
	if err != nil {
		return "", fmt.Errorf("read policy template: %w", err)
	}
	data := b.policyData()
	if b.Wishes.MutualTLS {
		if err := b.identify(&data); err != nil {
			return "", err
		}
	}
	var document strings.Builder
	if err := t.Execute(&document, data); err != nil {
		return "", fmt.Errorf("write policy: %w", err)
	}
	return document.String(), nil
}

func (b *Branch) policyData() policyData {
	var d policyData
	l, w := b.Lab, b.Wishes
	d.Inside.Interface, d.Inside.Address, d.Inside.Network = lab.BoxInside, l.BoxInsidePrefix(), l.Net.Office
	d.Outside.Interface, d.Outside.Address = lab.BoxOutside, l.BoxOutsidePrefix()
	if w.Layout == lab.OnePort {
		d.Outside.Interface = lab.BoxInside
		d.Gateway, d.Public = l.Net.OfficeGateway, l.BoxPublic()
	}
	if w.Layout == lab.BehindRouter {
		d.Gateway, d.Learn = l.Router.Address, true
	}
	pbxPort := uint16(5060)
	if w.PBXTransport == "tls" {
		pbxPort = 5061
		d.PBX.Trust, d.PBX.ServerName = indent(b.authority.PEM()), OfficeDomain
	}
	d.PBX.Address, d.PBX.Transport, d.PBX.SRTP = netip.AddrPortFrom(l.Net.PBX, pbxPort), w.PBXTransport, w.PBXSRTP
	if w.PBXDigest || w.PBXRegisters {
		d.PBX.User, d.PBX.Secret = "pbx", pbxPassword
	}
	d.PBX.Registers, d.PBX.Contact, d.PBX.OnlyMD5, d.PBX.Overflow = w.PBXRegisters, w.PBXContact, w.PBXOnlyMD5, w.Overflow
	if w.PBXRegisters {
		d.PBX.Trust = "" // it is the PBX that connects
	}
	d.Trunk.Domain, d.Trunk.Transport, d.Trunk.SRTP, d.Trunk.Port = CarrierDomain, "tls", "required", peer.CarrierPort
	d.Trunk.Trust = indent(b.authority.PEM())
	if w.DTLS {
		d.Trunk.Keying = "dtls, sdes"
	}
	d.Trunk.Suites, d.Trunk.Signing = w.Suites, b.signing
	if w.TrunkPlain != "" {
		d.Trunk.Transport, d.Trunk.SRTP, d.Trunk.Port, d.Trunk.Trust = w.TrunkPlain, "off", peer.PlainPort, ""
	}
	d.Trunk.Number, d.Trunk.User, d.Trunk.Secret = TrunkNumber, "trunk", cmp.Or(w.TrunkPassword, trunkPassword)
	d.Trunk.Numbers = []string{TrunkNumber, "+33123456701", "+33123456702"}
	return d
}

// identify gives the box a certificate towards the carrier, and sends it to the port where the carrier wants one.
func (b *Branch) identify(d *policyData) error {
	authority := b.authority
	if b.Wishes.Stranger {
		var err error
		if authority, err = peer.NewAuthority("Somebody Else"); err != nil {
			return err
		}
	}
	key, certificate, err := authority.Issue("sbc.office.example", b.Lab.BoxPublic())
	if err != nil {
		return err
	}
	d.Trunk.Certificate, d.Trunk.Key, d.Trunk.Port = indent(certificate), indent(key), peer.MutualPort
	return nil
}

// sign gives the box a certificate for its numbers, and the carrier the same one to judge by.
func (b *Branch) sign() error {
	key, certificate, err := b.authority.IssueForNumbers("5678")
	if err != nil {
		return err
	}
	b.signing.Key, b.signing.Certificate = indent(key), indent(certificate)
	return b.Carrier.Knows(certificate)
}

// Distrust has the carrier judge the box's signatures by a certificate of somebody else's.
func (b *Branch) Distrust() error {
	_, certificate, err := b.authority.IssueForNumbers("9999")
	if err != nil {
		return err
	}
	return b.Carrier.Knows(certificate)
}

// indent shifts a PEM block to where the template's block scalar wants it.
func indent(pem []byte) string {
	const margin = "        "
	return margin + strings.ReplaceAll(strings.TrimRight(string(pem), "\n"), "\n", "\n"+margin)
}
