package policy

import (
	"fmt"
	"log/slog"
)

// Side is one of the two sides of the border.
type Side string

// The two sides.
const (
	SideInside  Side = "inside"
	SideOutside Side = "outside"
)

// Other returns the side across the border.
func (s Side) Other() Side {
	if s == SideInside {
		return SideOutside
	}
	return SideInside
}

// Transport is a SIP transport (RFC 3261 §18, RFC 5630 for TLS).
type Transport string

// The transports Tollgate speaks.
const (
	UDP          Transport = "udp"
	TCP          Transport = "tcp"
	TLSTransport Transport = "tls"
)

// Stream tells whether the transport is connection-oriented.
func (t Transport) Stream() bool { return t != UDP }

// DefaultPort is the port of RFC 3261 §19.1.2: 5060, or 5061 with TLS.
func (t Transport) DefaultPort() uint16 {
	if t == TLSTransport {
		return 5061
	}
	return 5060
}

// SRTPMode says whether media towards a peer is encrypted.
type SRTPMode string

// The modes. Optional offers SRTP first and clear audio when that is declined; opportunistic offers both at once
// (RFC 8643). Required means that a call without SRTP does not take place.
const (
	SRTPOff           SRTPMode = "off"
	SRTPOptional      SRTPMode = "optional"
	SRTPOpportunistic SRTPMode = "opportunistic"
	SRTPRequired      SRTPMode = "required"
)

// Keying is a way to make the keys of SRTP.
type Keying string

// The ways: keys that travel in the signalling (RFC 4568), or a handshake on the ports of the audio (RFC 5763).
const (
	KeyingSDES Keying = "sdes"
	KeyingDTLS Keying = "dtls"
)

// ClearKeys says whether the keys of SRTP may travel in signalling that is not encrypted.
type ClearKeys string

// The words for it. Where it is accepted, whoever reads the signalling can hear the calls.
const (
	KeysInClearRefused  ClearKeys = "refused"
	KeysInClearAccepted ClearKeys = "accepted"
)

// Suite is an SRTP crypto suite by its SDES name (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.2).
type Suite string

// The suites spoken. Those with a tag of 32 bits save six bytes a packet, and a forged packet passes for one in four
// billion that are tried.
const (
	SuiteAESCM128SHA180 Suite = "AES_CM_128_HMAC_SHA1_80"
	SuiteAESCM128SHA132 Suite = "AES_CM_128_HMAC_SHA1_32"
	SuiteAES256CMSHA180 Suite = "AES_256_CM_HMAC_SHA1_80"
	SuiteAES256CMSHA132 Suite = "AES_256_CM_HMAC_SHA1_32"
	SuiteAEADAES128GCM  Suite = "AEAD_AES_128_GCM"
	SuiteAEADAES256GCM  Suite = "AEAD_AES_256_GCM"
)

// Suites lists them all.
func Suites() []Suite {
	return []Suite{
		SuiteAESCM128SHA180, SuiteAEADAES128GCM, SuiteAES256CMSHA180, SuiteAEADAES256GCM, SuiteAESCM128SHA132, SuiteAES256CMSHA132,
	}
}

// ByDTLS tells whether a DTLS handshake can agree on the suite (RFC 5764 §4.1.2, RFC 7714 §14.2).
func (s Suite) ByDTLS() bool {
	switch s {
	case SuiteAESCM128SHA180, SuiteAESCM128SHA132, SuiteAEADAES128GCM, SuiteAEADAES256GCM:
		return true
	}
	return false
}

// DefaultSuites are those of a peer whose policy names none: AES-CM with a long tag first, because every peer has it and
// GCM gains nothing on processors without AES. Short tags are for who asks for them.
func DefaultSuites() []Suite {
	return []Suite{SuiteAESCM128SHA180, SuiteAEADAES128GCM, SuiteAES256CMSHA180, SuiteAEADAES256GCM}
}

// Authentication says how the PBX proves who it is.
type Authentication string

// The ways: by source address alone, or by source address and digest (RFC 3261 §22).
const (
	AuthAddress Authentication = "address"
	AuthDigest  Authentication = "digest"
)

// Reach says how calls find the PBX.
type Reach string

// The ways: at its configured address, or where it registered last, as with a carrier (RFC 3261 §10). By registration the
// number called stands in the Request-URI, at the host of the Contact; by contact the Request-URI is the Contact itself
// (RFC 3261 §16.6 step 2), and the number stands in To alone.
const (
	ReachAddress      Reach = "address"
	ReachRegistration Reach = "registration"
	ReachContact      Reach = "contact"
)

// Registers tells whether the PBX registers.
func (r Reach) Registers() bool { return r == ReachRegistration || r == ReachContact }

// The digest algorithms spoken (RFC 7616 §3.2), in order of preference (RFC 8760 §2.4).
const (
	DigestSHA256 = "SHA-256"
	DigestMD5    = "MD5"
)

// DigestAlgorithms lists them all.
func DigestAlgorithms() []string { return []string{DigestSHA256, DigestMD5} }

// NumberFormat is how a peer wants numbers written.
type NumberFormat string

// The formats, for the French number +33 1 23 45 67 89: +33123456789, 33123456789, 0033123456789 and 0123456789
// (numbers abroad are written with 00 in the last).
const (
	FormatE164       NumberFormat = "e164"
	FormatPlain      NumberFormat = "plain"
	FormatDoubleZero NumberFormat = "00"
	FormatNational   NumberFormat = "national"
)

// Registration is how the accounts of a trunk register.
type Registration string

// The ways: one registration for each account's user, or one for all numbers of the account (RFC 6140), with one for
// each number where the carrier does not know that.
const (
	RegisterEach Registration = "each"
	RegisterBulk Registration = "bulk"
)

// Health is how the box finds out whether a carrier is there.
type Health string

// The ways: asking it with OPTIONS requests, or not at all.
const (
	HealthOptions Health = "options"
	HealthOff     Health = "off"
)

// UDPOversize is what becomes of a request too long for one UDP packet.
type UDPOversize string

// The ways: over TCP, or over UDP when the carrier takes no TCP (RFC 3261 §18.1.1); or over UDP in fragments.
const (
	OversizeTCP      UDPOversize = "tcp"
	OversizeFragment UDPOversize = "fragment"
)

// Hold is how a carrier is told that the office holds a call.
type Hold string

// The ways: as the office says it (RFC 3264 §8.4), or always as inactive, for carriers that know nothing else.
const (
	HoldPass     Hold = "pass"
	HoldInactive Hold = "inactive"
)

// DSCP is how packets are marked for the routers on their way (RFC 2474).
type DSCP string

// The marks of signalling: class selector 3, or assured forwarding 31 (RFC 2597).
const (
	DSCPCS3  DSCP = "cs3"
	DSCPAF31 DSCP = "af31"
)

// Value is the mark's number, of 6 bits.
func (d DSCP) Value() uint8 {
	if d == DSCPAF31 {
		return 26
	}
	return 24
}

// Latching is when a peer's unencrypted audio may go on from another place than it began at, within the addresses that are
// expected of it (RFC 7362 §4). Signalling always moves it, and encrypted audio proves itself.
type Latching string

// The ways: never; after a silence, to whoever of the expected speaks first; after a silence, to who has sent several
// packets in a row.
const (
	LatchStrict        Latching = "strict"
	LatchDynamic       Latching = "dynamic"
	LatchDynamicStrict Latching = "dynamic-strict"
)

// DTMF is how key presses reach a peer.
type DTMF string

// The ways: as the other side of a call says them; as telephone events in the audio (RFC 4733), also those that the other side
// says by SIP INFO; or by SIP INFO with application/dtmf-relay, for a peer that neither says nor takes them otherwise.
const (
	DTMFPass    DTMF = "pass"
	DTMFRFC4733 DTMF = "rfc4733"
	DTMFInfo    DTMF = "info"
)

// SessionTimer says whether the box asks for session timers (RFC 4028) in the calls that it makes. It grants one to whoever
// asks in any case.
type SessionTimer string

// The ways: asking, or answering only.
const (
	TimerAsk    SessionTimer = "ask"
	TimerAnswer SessionTimer = "answer"
)

// UnownedNumbers is what becomes of a call that shows a number which is not the trunk's.
type UnownedNumbers string

// The ways: a number of the trunk is shown instead, or the trunk does not carry the call.
const (
	UnownedReplace UnownedNumbers = "replace"
	UnownedRefuse  UnownedNumbers = "refuse"
)

// Wildcards says whether a certificate for *.carrier.example stands for sip.carrier.example.
type Wildcards string

// The ways. RFC 5922 §7.2 refuses them; some carriers have no other certificates.
const (
	WildcardsRefused  Wildcards = "refuse"
	WildcardsAccepted Wildcards = "accept"
)

// ClientAuthentication says whether a peer that connects by TLS must show a certificate (mutual TLS).
type ClientAuthentication string

// The ways. What is required must stand for the peer's domain, as it must when the box connects.
const (
	ClientAuthOff      ClientAuthentication = "off"
	ClientAuthRequired ClientAuthentication = "required"
)

// PeerPBX is the name of the one PBX among peers; trunks may not take it.
const PeerPBX = "pbx"

// Peer is somebody Tollgate talks SIP with: the PBX or a phone inside, a trunk or the phones' PBX outside.
type Peer struct {
	Side Side
	Name string // PeerPBX or that of PhonePeer, Trunk.Name or PeerRemotePBX
}

// Secret is a password that never prints. Only Reveal gives it away.
//
// It is a string underneath, so three things are beyond it: fmt asks no method for %p and %w (go vet refuses both), nor
// for a field that is not exported, and encoding/json asks none for the key of a map. Keep secrets out of those.
type Secret string

// SecretMask is what every printed secret looks like. In an imported document it means "keep the one in force".
const SecretMask = "***"

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String returns SecretMask, or nothing for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return SecretMask
}

// Format makes every fmt verb print String.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue makes slog print String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText makes JSON and text encoders print String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the secret as it stands.
func (s *Secret) UnmarshalText(b []byte) error { *s = Secret(b); return nil }
