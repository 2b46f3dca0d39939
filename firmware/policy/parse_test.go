package policy

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// small is the least that Parse accepts.
const small = `version: 1
site: {name: Lyon, country: FR, time_zone: Europe/Paris}
network:
  inside: {interface: eth0, address: 192.0.2.10/24}
  outside: {interface: eth1, address: 198.51.100.10/24}
pbx:
  address: 192.0.2.20
trunks:
  - name: carrier-a
    domain: carrier.example
    registrar: sip.carrier.example
    accounts:
      - user: alice
        secret: hunter2-hunter2-hunter2
        numbers: [+33423456700]
`

// byValue compares addresses by value and secrets by what they hold.
var byValue = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
}

func mustParse(t testing.TB, doc string) *Policy {
	t.Helper()
	p, err := Parse([]byte(doc))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return p
}

func TestASmallDocumentGetsItsDefaults(t *testing.T) {
	inside := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	want := &Policy{
		Version: 1,
		Site:    Site{Name: "Lyon", Country: "FR", TimeZone: "Europe/Paris", Language: "en", Holidays: []string{"public"}},
		Network: Network{
			Inside:        Inside{Interface: "eth0", Address: OwnAddress{Prefix: netip.MustParsePrefix("192.0.2.10/24")}, Prefixes: inside},
			Outside:       Outside{Interface: "eth1", Address: OwnAddress{Prefix: netip.MustParsePrefix("198.51.100.10/24")}},
			PublicAddress: netip.MustParseAddr("198.51.100.10"),
			NAT:           NATNone,
			MediaPorts:    PortRange{20000, 20999},
			SIPDSCP:       DSCPCS3,
			Passage:       PassageNone,
		},
		PBX: PBX{
			ReachedBy: ReachAddress, Address: netip.MustParseAddrPort("192.0.2.20:5060"), Transport: UDP,
			Sources:        []netip.Prefix{netip.MustParsePrefix("192.0.2.20/32")},
			Authentication: AuthAddress, SRTP: SRTPOff, KeysInClear: KeysInClearRefused, Codecs: []string{"PCMA", "PCMU"}, NumberFormat: FormatE164,
			MediaLatching: LatchDynamicStrict, DTMF: DTMFPass,
		},
		Trunks: []Trunk{{
			Name: "carrier-a", Domain: "carrier.example", Registrar: "sip.carrier.example", OutboundProxy: Hosts{"sip.carrier.example"},
			Transport: TLSTransport, TLS: TLS{Trust: "system", ServerName: "carrier.example", Wildcards: WildcardsRefused, ClientAuthentication: ClientAuthOff}, SRTP: SRTPRequired, KeysInClear: KeysInClearRefused, Hold: HoldPass, SessionTimer: TimerAsk, Stir: Stir{Sign: SignOff, Verify: VerifyOff}, Keying: []Keying{KeyingSDES}, Suites: DefaultSuites(),
			Accounts: []Account{{User: "alice", AuthUser: "alice", Secret: "hunter2-hunter2-hunter2", Numbers: []string{"+33423456700"}}},
			Codecs:   []string{"PCMA", "PCMU"}, NumberFormat: FormatE164, Registration: RegisterEach, Health: HealthOff,
			UnownedNumbers: UnownedReplace, MediaLatching: LatchDynamicStrict, DTMF: DTMFPass,
		}},
		Admission: Admission{Classes: OpenClasses(), Pacing: Pacing{ShortSeconds: 6, LeastCalls: 20}},
		Limits:    Limits{Calls: 30, SilenceTimeout: 60, HoldTimeout: 3600},
		Bans:      defaultBans(),
		Fraud:     defaultFraud(),
		Rotation:  Rotation{Days: 90, GraceDays: 7},
		Stick:     Stick{Take: StickAsk},
		Updates:   Updates{EveryMinutes: 1440},
		Admin:     Admin{Port: 443, Sources: inside},
	}
	if diff := cmp.Diff(want, mustParse(t, small), byValue); diff != "" {
		t.Error(diff)
	}
}

func TestDefaultsFollowTheTransport(t *testing.T) {
	doc := strings.Replace(small, "address: 192.0.2.20\n", "address: 192.0.2.20\n  transport: tls\n", 1)
	doc = strings.Replace(doc, "registrar: sip.carrier.example", "transport: tcp", 1)
	p := mustParse(t, doc)
	if p.PBX.Address.Port() != 5061 || p.PBX.TLS != (TLS{ServerName: "192.0.2.20", Wildcards: WildcardsRefused, ClientAuthentication: ClientAuthOff}) {
		t.Errorf("PBX over tls: port %d, %+v", p.PBX.Address.Port(), p.PBX.TLS)
	}
	if trunk := p.Trunks[0]; trunk.SRTP != SRTPOff || trunk.TLS != (TLS{}) || !slices.Equal(trunk.OutboundProxy, Hosts{"carrier.example"}) {
		t.Errorf("trunk over tcp: srtp %s, %+v, proxy %s", trunk.SRTP, trunk.TLS, trunk.OutboundProxy)
	}
}

func TestAPBXThatRegistersNeedsNoAddress(t *testing.T) {
	doc := strings.Replace(small, "address: 192.0.2.20\n", `reached_by: registration
  sources: [192.0.2.20]
  authentication: digest
  user: office
  secret: hunter2-hunter2-hunter2
  transport: tls
  overflow: +33612345678
`, 1)
	p := mustParse(t, doc)
	if p.PBX.ReachedBy != ReachRegistration || p.PBX.Address.IsValid() || p.PBX.TLS != (TLS{}) || p.PBX.Overflow != "+33612345678" {
		t.Errorf("%+v", p.PBX)
	}
	if again := mustParse(t, canonical(t, p)); !cmp.Equal(p, again, byValue) {
		t.Error(cmp.Diff(p, again, byValue))
	}
}

func TestTheSameDocumentInOtherSpellings(t *testing.T) {
	want := mustParse(t, small)
	var tree any
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(small, "+33423456700", `"+33423456700"`)), &tree); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.MarshalIndent(tree, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, doc := range map[string]string{
		"Windows line ends":     strings.ReplaceAll(small, "\n", "\r\n"),
		"byte order mark":       "\uFEFF" + small,
		"document marks":        "---\n" + small + "...\n",
		"JSON":                  string(asJSON),
		"comments":              "# a policy\n" + strings.ReplaceAll(small, "\n", " # why\n"),
		"no line end":           strings.TrimSuffix(small, "\n"),
		"numbers between quote": strings.ReplaceAll(small, "+33423456700", `'+33423456700'`),
	} {
		got, err := Parse([]byte(doc))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got, byValue); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// YAML takes these for numbers. They are text here, digit by digit.
func TestDigitsKeepTheirSpelling(t *testing.T) {
	doc := strings.Replace(small, "address: 192.0.2.20\n", "address: 192.0.2.20\n  number_format: 00\n  outside_prefix: 010\n", 1)
	doc = strings.Replace(doc, "hunter2-hunter2-hunter2", "00384620951847392066", 1)
	doc = strings.Replace(doc, "name: Lyon", "name: 1_000.10", 1)
	p := mustParse(t, doc)
	got := []string{string(p.PBX.NumberFormat), p.PBX.OutsidePrefix, p.Trunks[0].Accounts[0].Secret.Reveal(), p.Site.Name}
	if want := []string{"00", "010", "00384620951847392066", "1_000.10"}; !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestTrunkFindsByName(t *testing.T) {
	p := mustParse(t, small)
	if p.Trunk("carrier-a") != &p.Trunks[0] || p.Trunk("carrier-b") != nil {
		t.Error("Trunk does not find carrier-a, or finds carrier-b")
	}
}

func TestCheckFindsNothingInWhatParseAccepts(t *testing.T) {
	for _, doc := range []string{small, example} {
		if faults := mustParse(t, doc).Check(); faults != nil {
			t.Error(faults)
		}
	}
}
