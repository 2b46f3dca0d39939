package policy

import (
	"crypto/x509"
	"encoding/asn1"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// carried are the keys that a profile may give: those that begin and deriveProfile pass on.
var carried = []string{
	"domain", "outbound_proxy", "transport", "signalling_sources", "media_sources", "tls.wildcards", "srtp", "codecs",
	"number_format", "registration", "health", "udp_oversize", "hold", "session_timer",
}

func TestEveryProfileIsReadAndHasNoKeyWithoutEffect(t *testing.T) {
	for _, p := range Profiles() {
		values, faults := p.values()
		if faults != nil {
			t.Errorf("%s: %v", p, faults)
		}
		keys := keysGiven(reflect.ValueOf(values), "")
		if len(keys) < 3 {
			t.Errorf("%s gives only %v", p, keys)
		}
		for _, key := range keys {
			if !slices.Contains(carried, key) {
				t.Errorf("%s gives %s, which nobody passes on", p, key)
			}
		}
	}
	if n := strings.Count("\n"+profilesText, ":\n  "); n != len(Profiles())+1 { // and the tls: of one of them
		t.Errorf("the file holds another number of profiles than the list")
	}
}

func keysGiven(v reflect.Value, path string) (keys []string) {
	for i, key := range keysOf(v.Type()) {
		field := v.Field(i)
		switch {
		case unset(field):
		case field.Kind() == reflect.Struct && scalarLess(field):
			keys = append(keys, keysGiven(field, join(path, key))...)
		default:
			keys = append(keys, join(path, key))
		}
	}
	return keys
}

func scalarLess(v reflect.Value) bool {
	read, _ := scalarReader(reflect.New(v.Type()).Elem())
	return read == nil
}

// profiled is the small document with lines in its trunk, and without those that a profile is to give.
func profiled(lines ...string) string {
	at := "    accounts:"
	return strings.Replace(small, at, "    "+strings.Join(lines, "\n    ")+"\n"+at, 1)
}

func TestAProfileFillsInWhatTheDocumentLeavesOut(t *testing.T) {
	static := func(doc string) string { return strings.Replace(doc, "    registrar: sip.carrier.example\n", "", 1) }
	type row struct {
		transport, srtp, health, registration, oversize, hold, wildcards string
		proxies                                                          int
	}
	for _, c := range []struct {
		doc  string
		want row
	}{
		{profiled("profile: sipconnect-2.0"), row{"tls", "required", "options", "bulk", "", "pass", "refuse", 1}},
		{static(profiled("profile: sipconnect-2.0")), row{"tls", "required", "options", "", "", "pass", "refuse", 1}},
		{profiled("profile: generic-registration"), row{"tls", "required", "off", "each", "", "pass", "refuse", 1}},
		{profiled("profile: generic-registration", "transport: udp"), row{"udp", "off", "off", "each", "tcp", "pass", "", 1}},
		{static(profiled("profile: generic-static")), row{"tls", "required", "options", "", "", "pass", "refuse", 1}},
		{static(profiled("profile: generic-udp-clear")), row{"udp", "off", "options", "", "tcp", "pass", "", 1}},
		{profiled("profile: generic-udp-clear", "health: off", "udp_oversize: fragment"), row{"udp", "off", "off", "each", "fragment", "pass", "", 1}},
		// What is written wins, also where it is the usual and the profile wants something else.
		{profiled("profile: sipconnect-2.0", "registration: each", "health: off", "srtp: optional"), row{"tls", "optional", "off", "each", "", "pass", "refuse", 1}},
		{teams(t), row{"tls", "required", "options", "", "", "inactive", "accept", 3}},
		{strings.Replace(teams(t), "    accounts:", "    hold: pass\n    outbound_proxy: sip.pstnhub.example\n    accounts:", 1),
			row{"tls", "required", "options", "", "", "pass", "accept", 1}},
	} {
		p := mustParse(t, c.doc)
		tr := p.Trunks[0]
		got := row{string(tr.Transport), string(tr.SRTP), string(tr.Health), string(tr.Registration), string(tr.UDPOversize), string(tr.Hold), string(tr.TLS.Wildcards), len(tr.OutboundProxy)}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(row{})); diff != "" {
			t.Errorf("%s: %s", tr.Profile, diff)
		}
		if again := mustParse(t, canonical(t, p)); !cmp.Equal(p, again, byValue) {
			t.Errorf("%s does not survive the store: %s", tr.Profile, cmp.Diff(p, again, byValue))
		}
	}
}

// teams is the least that the profile of Teams needs.
func teams(t *testing.T) string {
	t.Helper()
	doc := withIdentity(exampleCertificate(t, exampleKey()), keyPEM(t, exampleKey()))
	doc = strings.Replace(doc, "    domain: carrier.example\n    registrar: sip.carrier.example\n", "    profile: teams-direct-routing\n    own_name: sbc.office.example\n", 1)
	return doc
}

func TestAnExportKeepsTheProfileAndNotWhatItGives(t *testing.T) {
	doc, err := mustParse(t, teams(t)).Redacted()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), "profile: teams-direct-routing") || strings.Contains(string(doc), "pstnhub") || strings.Contains(string(doc), "52.112") {
		t.Errorf("exported:\n%s", doc)
	}
}

func TestWhatAPolicyCostsIsTold(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, doc string
		at        time.Time
		want      []string // path and a word of each warning
	}{
		{"encrypted", small, now, nil},
		{"in the clear", profiled("profile: generic-udp-clear"), now, []string{"trunks[0].transport: in the clear over udp", "trunks[0].srtp: can listen"}},
		{"the same without a profile", profiled("transport: tcp"), now, []string{"trunks[0].transport: in the clear over tcp", "trunks[0].srtp: can listen"}},
		{"only if the carrier wants", profiled("srtp: optional"), now, []string{"trunks[0].srtp: when it does not want"}},
		{"a certificate for years", teams(t), now, nil},
		{"one that ends soon", teams(t), time.Date(2045, 12, 15, 0, 0, 0, 0, time.UTC), []string{"trunks[0].tls.certificate: ends on 2046-01-01"}},
		{"one that has ended", teams(t), time.Date(2046, 2, 1, 0, 0, 0, 0, time.UTC), []string{"trunks[0].tls.certificate: has ended on 2046-01-01"}},
		{"one of the future", teams(t), time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC), []string{"trunks[0].tls.certificate: from 2026-01-01 on only"}},
		{"one for another name", strings.Replace(teams(t), "own_name: sbc.office.example", "own_name: sbc.elsewhere.example", 1), now,
			[]string{"trunks[0].tls.certificate: is for sbc.office.example and not for own_name"}},
	} {
		got := mustParse(t, c.doc).Warnings(c.at)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %q", c.name, got, c.want)
			continue
		}
		for i, w := range got {
			path, word, _ := strings.Cut(c.want[i], ": ")
			if w.Path != path || !strings.Contains(w.Text, word) || !strings.HasSuffix(w.Text, ".") {
				t.Errorf("%s: %v, want %q", c.name, w, c.want[i])
			}
		}
	}
}

func TestACertificateForServersOnlyIsWarnedOf(t *testing.T) {
	for want, c := range map[string]x509.Certificate{
		"any":     {},
		"both":    {ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}},
		"clients": {ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}},
		"servers": {ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}},
		"SIP":     {UnknownExtKeyUsage: []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 20}}},
	} {
		if got, usable := usableByClients(&c), want != "servers" && want != "SIP"; got != usable {
			t.Errorf("one for %s: usable %v", want, got)
		}
	}
}
