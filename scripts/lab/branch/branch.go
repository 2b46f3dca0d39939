// Package branch puts a whole branch office together: lab, PBX, telephones, the box under test and its carrier.
//
// Build lays it out step by step; Talk places a call and says what each side heard; Checks are the proofs that the demo
// prints and the tests repeat: tones, secrecy of the carrier's link, nothing of the office leaking out. Wishes vary one
// thing each: a transport, a digest algorithm, a wrong password.
//
// It leaves the peers themselves to peer, the namespaces to lab, and what to do about a failed check to its callers.
package branch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/peer"
)

// Names and numbers of the branch.
const (
	OfficeDomain  = "pbx.office.example"
	CarrierDomain = "sip.carrier.example"
	TrunkNumber   = "+33123456700"
	TrunkPrefix   = "+331234567"
	Emergency     = "112"
)

// Wishes say how a branch differs from the usual one: two ports, PBX over UDP known by its address, carrier over TLS
// with MD5 digest that calls back on the registration's connection.
type Wishes struct {
	Binary string // the box's program
	Live   string // folder of running calls; "": they end with the process

	Layout        lab.Layout      // default: TwoPorts
	Translation   lab.Translation // of the router, with BehindRouter; default: FullCone
	PBXTransport  string          // default: udp
	PBXDigest     bool            // the box asks the PBX for a digest
	PBXPassword   string          // what the PBX answers, when it differs from the right one
	PBXRegisters  bool            // the PBX registers with the box and is found there, by digest
	PBXContact    bool            // with PBXRegisters: it takes calls to its Contact alone
	PBXOnlyMD5    bool            // the box offers the PBX no better digest than MD5
	Overflow      string          // where calls go while the PBX cannot be reached
	PBXSRTP       string          // off (default), optional, required
	PhoneSRTP     bool            // the phones insist on SRTP
	Algorithm     string          // of the carrier's digest: MD5 (default), SHA-256
	TrunkPassword string          // what the box uses, when it differs from the right one
	Suites        string          // of SRTP with the carrier, between commas; default: the box's own
	DTLS          bool            // the carrier's subscribers make their keys by DTLS; the box offers it first
	TrunkPlain    string          // udp or tcp: the trunk has neither TLS nor SRTP
	TLSMethod     string          // of the carrier, as Kamailio writes it; default: TLSv1.2+
	MutualTLS     bool            // box and carrier want certificates of one another, whoever connects
	Stranger      bool            // with MutualTLS: the box's certificate is of an authority that the carrier does not know
	Signed        bool            // box and carrier sign their calls, and refuse those that are not rightly signed
	NewConnection bool            // the carrier calls the box at its Contact
	Latches       bool            // the carrier sends audio where it comes from
	// Amend changes the box's policy document.
	Amend  func(document string) string
	Manual bool // nobody answers by himself
	// Machine starts the box elsewhere than in its namespace, with a policy document; nil: there.
	Machine func(ctx context.Context, b *Branch, policy string) (*Box, error)
	// Laid is called when the networks are there and nobody is on them yet; nil: nothing is to be done.
	Laid     func(*Branch) error
	NoOffice bool // there is neither PBX nor phone but what the test brings
}

// Right passwords of the PBX and of the trunk.
const (
	pbxPassword   = "Quiet-lantern-41-office"
	trunkPassword = "Amber-meadow-83-line"
)

// Branch is a branch office with everything around it. Fields are filled by Build.
type Branch struct {
	Wishes Wishes

	Lab         *lab.Lab
	PBX         *peer.PBX
	Phones      []*peer.Phone // in the office
	Carrier     *peer.Carrier
	Subscribers []*peer.Phone // of the carrier
	Box         *Box

	authority *peer.Authority
	signing   struct{ Key, Certificate string } // of the box, for numbers
	captures  []*lab.Process
}

// Step is one part of building a branch.
type Step struct {
	Name string
	Run  func(context.Context) error
}

// New returns a branch of which nothing exists yet.
func New(w Wishes) *Branch {
	w.Layout = cmp.Or(w.Layout, lab.TwoPorts)
	w.PBXTransport = cmp.Or(w.PBXTransport, "udp")
	w.PBXSRTP = cmp.Or(w.PBXSRTP, "off")
	return &Branch{Wishes: w}
}

// Programs are what a branch needs on the machine.
func Programs() []string {
	return []string{"ip", "nft", "tcpdump", "kamailio", "baresip"}
}

// Steps are the parts in their order. When one fails, Close removes what the others made.
func (b *Branch) Steps() []Step {
	return []Step{
		{"lay out the office, the box's place and the carrier", b.lay},
		{"start the captures on both links", b.startCaptures},
		{"start the carrier and its subscribers", b.startCarrier},
		{"start the box", b.startBox},
		{"start the PBX and its phones", b.startOffice},
	}
}

// Build takes every step.
func (b *Branch) Build(ctx context.Context) error {
	for _, s := range b.Steps() {
		if err := s.Run(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return nil
}

// Close stops everything and removes it.
func (b *Branch) Close() error {
	for _, p := range append(b.Phones, b.Subscribers...) {
		p.Stop()
	}
	if b.Box != nil {
		b.Box.Stop()
	}
	if b.Lab == nil {
		return nil
	}
	return b.Lab.Close()
}

func (b *Branch) lay(context.Context) error {
	if err := lab.Missing(Programs()...); err != nil {
		return err
	}
	var err error
	if b.authority, err = peer.NewAuthority("Example Carrier CA"); err != nil {
		return err
	}
	if b.Lab, err = lab.Open(b.Wishes.Layout); err != nil {
		return err
	}
	if b.Wishes.Laid != nil {
		if err := b.Wishes.Laid(b); err != nil {
			return err
		}
	}
	if b.Wishes.Translation != "" {
		if err := b.Lab.Router.Translate(b.Wishes.Translation); err != nil {
			return err
		}
	}
	return b.Lab.Box.Names(map[string]netip.Addr{CarrierDomain: b.Lab.Net.Carrier, OfficeDomain: b.Lab.Net.PBX})
}

// Captures are the files with everything that passed the two links of the box.
func (b *Branch) Captures() (office, carrier string) {
	return b.Lab.Path("office.pcap"), b.Lab.Path("carrier.pcap")
}

func (b *Branch) startCaptures(ctx context.Context) error {
	office, carrier := b.Captures()
	far := b.Lab.Box
	switch b.Wishes.Layout {
	case lab.OnePort:
		far = b.Lab.Gateway
	case lab.BehindRouter:
		far = b.Lab.Router.Host
	}
	// The far ends of the links, as a tap on the wire would be.
	inside, err := b.Lab.PBX.Capture(ctx, b.Lab.Box.Name, office)
	if err != nil {
		return err
	}
	outside, err := b.Lab.Carrier.Capture(ctx, far.Name, carrier)
	b.captures = []*lab.Process{inside, outside}
	return err
}

// StopCaptures ends the captures, for whoever stays long after the proofs.
func (b *Branch) StopCaptures() {
	for _, p := range b.captures {
		p.Stop(time.Second)
	}
}

func (b *Branch) startCarrier(ctx context.Context) error {
	l := b.Lab
	b.Carrier = &peer.Carrier{
		Host: l.Carrier, Authority: b.authority, Domain: CarrierDomain, Algorithm: b.Wishes.Algorithm,
		Trunk:       peer.Login{User: "trunk", Password: trunkPassword, Number: TrunkNumber},
		TrunkPrefix: TrunkPrefix, TrunkAddress: l.BoxPublic(), NewConnections: b.Wishes.NewConnection,
		Subscribers: []peer.Login{
			{User: "alice", Password: "wonderland", Number: "+33987654321"},
			{User: "bob", Password: "builder", Number: "+33987654322"},
		},
		Extra: []string{Emergency}, Plain: b.Wishes.TrunkPlain != "", TLSMethod: b.Wishes.TLSMethod,
		Latches: b.Wishes.Latches, Mutual: b.Wishes.MutualTLS, Signs: b.Wishes.Signed,
	}
	if err := b.Carrier.Start(ctx); err != nil {
		return err
	}
	if b.Wishes.Signed {
		if err := b.sign(); err != nil {
			return err
		}
	}
	for i, login := range b.Carrier.Subscribers {
		p := &peer.Phone{
			Host: l.Subscribers[i], Name: login.User, Login: login, AOR: login.Number + "@" + CarrierDomain,
			Registrar: netip.AddrPortFrom(l.Carrier.Address, peer.CarrierPort), Transport: "tls", Authority: b.authority,
			SRTP: b.Wishes.TrunkPlain == "", DTLS: b.Wishes.DTLS, Manual: b.Wishes.Manual, Tone: []float64{1150, 1480}[i],
		}
		b.Subscribers = append(b.Subscribers, p)
		if err := p.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// PBXLogin is what the PBX proves itself with, when it has to.
func (b *Branch) PBXLogin() peer.Login {
	return peer.Login{User: "pbx", Password: cmp.Or(b.Wishes.PBXPassword, pbxPassword)}
}

func (b *Branch) startOffice(ctx context.Context) error {
	if b.Wishes.NoOffice {
		return nil
	}
	l := b.Lab
	b.PBX = &peer.PBX{
		Host: l.PBX, Domain: OfficeDomain, Box: l.Net.BoxInside, Transport: b.Wishes.PBXTransport, Authority: b.authority,
		Extensions: []peer.Login{
			{User: "101", Password: "swordfish", Number: "+33123456701"},
			{User: "102", Password: "marlin", Number: "+33123456702"},
		},
	}
	b.PBX.Registers = b.Wishes.PBXRegisters
	if b.Wishes.PBXDigest || b.Wishes.PBXRegisters {
		b.PBX.Login = b.PBXLogin()
	}
	if err := b.PBX.Start(ctx); err != nil {
		return err
	}
	for i, login := range b.PBX.Extensions {
		p := &peer.Phone{
			Host: l.Phones[i], Name: "phone" + login.User, Login: login, AOR: login.User + "@" + OfficeDomain,
			Registrar: netip.AddrPortFrom(l.PBX.Address, 5060), Transport: "udp", SRTP: b.Wishes.PhoneSRTP,
			Manual: b.Wishes.Manual, Tone: []float64{620, 850}[i],
		}
		b.Phones = append(b.Phones, p)
		if err := p.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// startBox runs the box with its policy and waits until the trunk is registered, unless the trunk is meant to fail.
func (b *Branch) startBox(ctx context.Context) error {
	policy, err := b.Policy()
	if err != nil {
		return err
	}
	if b.Wishes.Amend != nil {
		policy = b.Wishes.Amend(policy)
	}
	if b.Wishes.Machine != nil {
		if b.Box, err = b.Wishes.Machine(ctx, b, policy); err != nil {
			return err
		}
		return b.Box.AwaitTrunk(ctx)
	}
	b.Box = &Box{Host: b.Lab.Box, Binary: b.Wishes.Binary, Live: b.Wishes.Live}
	if err := b.Box.Start(ctx, policy); err != nil {
		return err
	}
	if b.Wishes.TrunkPassword != "" || b.Wishes.Stranger {
		return nil
	}
	return b.Box.AwaitTrunk(ctx)
}

// Everyone is all telephones.
func (b *Branch) Everyone() []*peer.Phone {
	return append(b.Phones[:len(b.Phones):len(b.Phones)], b.Subscribers...)
}

// restAfterCall is how long the sides may take to agree that a call is over.
const restAfterCall = 5 * time.Second

// errNoCall is what Talk says when the far end never rang.
var errNoCall = errors.New("the called side saw no call")
