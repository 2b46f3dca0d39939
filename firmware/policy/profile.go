package policy

import (
	_ "embed"
	"reflect"

	"github.com/goccy/go-yaml/ast"
)

// Profile is a kind of carrier: what a trunk's keys are unless the document says otherwise (profiles.yaml).
type Profile string

// The profiles.
const (
	ProfileSIPconnect   Profile = "sipconnect-2.0"
	ProfileRegistration Profile = "generic-registration"
	ProfileStatic       Profile = "generic-static"
	ProfileUDPClear     Profile = "generic-udp-clear"
	ProfileTeams        Profile = "teams-direct-routing"
)

// Profiles lists them all.
func Profiles() []Profile {
	return []Profile{ProfileSIPconnect, ProfileRegistration, ProfileStatic, ProfileUDPClear, ProfileTeams}
}

//go:embed profiles.yaml
var profilesText string

// ProfilesText is what each profile gives, in the words of a policy, with remarks.
func ProfilesText() string { return profilesText }

// values is a trunk that holds what the profile gives and nothing else; empty for an unknown one.
func (p Profile) values() (Trunk, Faults) {
	var t Trunk
	if p == "" {
		return t, nil
	}
	tokens, faults := readTokens(profilesText)
	if faults != nil {
		return t, faults
	}
	root, faults := readTree(tokens)
	if faults != nil {
		return t, faults
	}
	d := newDecoder()
	entries, _ := entriesOf(root)
	for _, entry := range entries {
		if keyToken(entry).Value == string(p) {
			d.value(reflect.ValueOf(&t).Elem(), entry.Value, "")
		}
	}
	return t, d.faults
}

// profileIn finds the profile that a trunk of a document names.
func profileIn(trunk ast.Node) Profile {
	entries, _ := entriesOf(trunk)
	for _, entry := range entries {
		if key := keyToken(entry); key != nil && key.Value == "profile" {
			s, _ := scalarOf(entry.Value)
			return Profile(s.text)
		}
	}
	return ""
}

// begin gives a trunk the values of a profile in the place of fixed defaults, before the document's own are read.
func (t *Trunk) begin(p Profile) {
	from, _ := p.values()
	if from.Transport != "" {
		t.Transport = from.Transport
	}
	if from.NumberFormat != "" {
		t.NumberFormat = from.NumberFormat
	}
	if from.Codecs != nil {
		t.Codecs = from.Codecs
	}
	t.SRTP = from.SRTP
}

// deriveProfile visits every other field that the trunk's profile gives, as far as it has an effect. What it returns
// visits the fields that are left.
func (t *Trunk) deriveProfile(visit func(field, value any)) (rest func(field, value any)) {
	from, _ := t.Profile.values()
	given := map[any]bool{}
	give := func(field, value any) {
		if v := reflect.ValueOf(value); !unset(v) {
			given[field] = true
			visit(field, value)
		}
	}
	give(&t.Domain, from.Domain)
	give(&t.OutboundProxy, from.OutboundProxy)
	give(&t.SignallingSources, from.SignallingSources)
	give(&t.MediaSources, from.MediaSources)
	give(&t.Health, from.Health)
	give(&t.Hold, from.Hold)
	give(&t.SessionTimer, from.SessionTimer)
	if t.Registrar != "" {
		give(&t.Registration, from.Registration)
	}
	if t.Transport == TLSTransport {
		give(&t.TLS.Wildcards, from.TLS.Wildcards)
	}
	if t.Transport == UDP {
		give(&t.UDPOversize, from.UDPOversize)
	}
	return func(field, value any) {
		if !given[field] {
			visit(field, value)
		}
	}
}

// profile checks that the profile is known and that the trunk has what such a carrier cannot do without.
func (c *checker) profile(path string, t Trunk) {
	if t.Profile == "" || !one(c, path+".profile", t.Profile, Profiles()...) {
		return
	}
	if t.Profile == ProfileRegistration {
		c.required(path+".registrar", t.Registrar != "", "write where the box registers, or take the profile "+string(ProfileStatic))
	}
	if t.Profile == ProfileTeams {
		c.required(path+".own_name", t.OwnName != "", "write the box's public host name: this carrier refuses calls from an address")
		c.required(path+".tls.certificate", t.TLS.Certificate != "", "add the certificate for that name, and its key: this carrier wants both")
	}
}
