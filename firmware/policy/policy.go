// Package policy holds what the operator wants: one strict YAML document, version 1.
//
// It reads the document (Parse), finds every fault in it with its path (Check), tells two documents apart (Diff), writes
// one for the store (Canonical) and for people (Redacted), prints a commented example (Example) and owns the words that
// all of Tollgate shares: Side, Transport, SRTPMode, Suite, Peer and Secret. A key that has no effect is not accepted.
//
// It leaves to others: keeping revisions (store), putting a policy into force (apply) and every judgement made by it.
package policy

import "net/netip"

// Policy is one whole document. The zero value is not valid; documents come from Parse, which fills in the defaults
// named below, so that nobody else needs to know them. What Parse returned is shared: read it, do not write it.
type Policy struct {
	Version   int       `yaml:"version"`
	Site      Site      `yaml:"site"`
	Network   Network   `yaml:"network"`
	PBX       PBX       `yaml:"pbx"`    // may be left out where there are Phones
	Phones    Phones    `yaml:"phones"` // may be left out
	Trunks    []Trunk   `yaml:"trunks"` // may be left out where there are Phones
	Routes    []Route   `yaml:"routes"`
	Admission Admission `yaml:"admission"`
	Limits    Limits    `yaml:"limits"`
	Bans      Bans      `yaml:"bans"`
	Fraud     Fraud     `yaml:"fraud"`
	Rotation  Rotation  `yaml:"rotation"`
	Stick     Stick     `yaml:"stick"`
	Updates   Updates   `yaml:"updates"`
	Admin     Admin     `yaml:"admin"`
}

// Site says where the box stands. Country chooses the numbering plan, TimeZone and Language what the page shows.
type Site struct {
	Name     string `yaml:"name"`
	Country  string `yaml:"country"`   // ISO 3166-1 alpha-2
	TimeZone string `yaml:"time_zone"` // IANA name
	Language string `yaml:"language"`  // en or fr
	// Holidays are rules as package calendar reads them; default public where those of Country are known.
	Holidays []string `yaml:"holidays"`
}

// Network names the two sides. They may share one interface; then a packet is inside when its source lies in
// Inside.Prefixes and is not the Gateway, and outside otherwise.
type Network struct {
	Inside  Inside  `yaml:"inside"`
	Outside Outside `yaml:"outside"`
	// Gateway is the router towards the carrier. Its own address never counts as inside. Zero, with address: dhcp outside: the
	// one that the server names.
	Gateway netip.Addr `yaml:"gateway"`
	// Passage is what the office reaches of the networks outside through the box; default none.
	Passage Passage `yaml:"passage"`
	// PublicAddress is what the carrier sees when the box stands behind a router; zero means Outside.Address.
	PublicAddress netip.Addr `yaml:"public_address"`
	// NAT says whether the box finds out itself under which address carriers see it; default none. With learn,
	// PublicAddress is what is believed until a carrier has said what it sees.
	NAT NAT `yaml:"nat"`
	// STUNServers are asked for that address as well, with nat: learn; port 3478 unless given. May be empty.
	STUNServers []netip.AddrPort `yaml:"stun_servers"`
	MediaPorts  PortRange        `yaml:"media_ports"` // UDP, both sides; default 20000-20999
	// SIPDSCP is how SIP is marked for the routers on its way; default cs3. Audio is always marked EF.
	SIPDSCP DSCP `yaml:"sip_dscp"`
	// DNSServers are asked where carriers are; port 53 unless given. Empty: those of the system.
	DNSServers []netip.AddrPort `yaml:"dns_servers"`
	// TimeServers are asked what time it is where the machine is the box's own; port 123 unless given. Empty: the gateway, and
	// those that a DHCP server has named.
	TimeServers []netip.AddrPort `yaml:"time_servers"`
}

// Inside is the office's side.
type Inside struct {
	// Interface is the port's name, or PortOnboard, PortUSB or its hardware address; each may be followed by a VLAN, as in usb.12.
	Interface string         `yaml:"interface"`
	Address   OwnAddress     `yaml:"address"`
	Prefixes  []netip.Prefix `yaml:"prefixes"` // sources that count as inside; default: the prefix of Address
	// DHCPServer lends addresses to telephones on this port; may be left out.
	DHCPServer DHCPServer `yaml:"dhcp_server"`
}

// Outside is the carrier's side.
type Outside struct {
	Interface string     `yaml:"interface"` // as Inside.Interface
	Address   OwnAddress `yaml:"address"`
}

// OnePort tells whether both sides share one interface.
func (n Network) OnePort() bool { return n.Inside.Interface == n.Outside.Interface }

// PortRange is a closed range of UDP ports, written "20000-20999".
type PortRange struct{ Low, High uint16 }

// PBX is the office's telephone system.
type PBX struct {
	ReachedBy      Reach          `yaml:"reached_by"`     // default address
	Address        netip.AddrPort `yaml:"address"`        // with reached_by: address; default port: that of Transport
	Transport      Transport      `yaml:"transport"`      // default udp
	Sources        []netip.Prefix `yaml:"sources"`        // where its SIP comes from; default: Address
	Authentication Authentication `yaml:"authentication"` // default address
	User           string         `yaml:"user"`           // with authentication: digest
	Secret         Secret         `yaml:"secret"`         // with authentication: digest
	// WeakSecret lets Secret be weak all the same; default none.
	WeakSecret Exception `yaml:"weak_secret"`
	// DigestAlgorithms are offered to the PBX in this order, with authentication: digest; default SHA-256, MD5.
	DigestAlgorithms []string `yaml:"digest_algorithms"`

	SRTP SRTPMode `yaml:"srtp"` // default off; anything else needs transport: tls, or KeysInClear
	// KeysInClear permits SRTP without TLS; default refused.
	KeysInClear ClearKeys `yaml:"keys_in_clear"`
	// Keying are the ways to make keys that are taken, unless SRTP is off; the first is offered; default sdes.
	Keying []Keying `yaml:"keying"`
	// Suites are offered and accepted in this order, unless SRTP is off; default DefaultSuites.
	Suites []Suite `yaml:"suites"`
	// OfferICE has offers by DTLS ask for connectivity checks, without which a browser takes none; the box is a lite
	// implementation (RFC 8445 §2.5). Who offers them is answered in kind whatever this says.
	OfferICE bool     `yaml:"offer_ice"`
	Codecs   []string `yaml:"codecs"` // SDP encoding names in order of preference; default PCMA, PCMU
	Ptime    int      `yaml:"ptime"`  // milliseconds of audio in each packet to it; 0: as its descriptions say
	// DTMF is how key presses reach it; default pass.
	DTMF DTMF `yaml:"dtmf"`
	// ClearT38 lets a fax go by T.38, which is never encrypted, unless SRTP is off anyway.
	ClearT38 Exception `yaml:"clear_t38"`
	// MediaLatching is when its unencrypted audio may move to another port; default dynamic-strict.
	MediaLatching Latching     `yaml:"media_latching"`
	NumberFormat  NumberFormat `yaml:"number_format"` // default e164
	// OutsidePrefix is the digit dialled for an outside line, removed before the number is read; may be empty.
	OutsidePrefix string `yaml:"outside_prefix"`
	// Overflow is the E.164 number that calls for the PBX are sent out to while it cannot be reached; may be empty.
	Overflow string `yaml:"overflow"`
	// Trusted has the PBX told what trusted trunks assert of callers who want to stay unknown (RFC 3325 §5).
	Trusted bool         `yaml:"trusted"`
	Headers []HeaderRule `yaml:"headers"`
	TLS     TLS          `yaml:"tls"` // with transport: tls and reached_by: address
}

// Trunk is one carrier.
type Trunk struct {
	Name string `yaml:"name"`
	// Profile is the kind of carrier, which fills in what the document leaves out; empty: none.
	Profile       Profile   `yaml:"profile"`
	Domain        string    `yaml:"domain"`         // SIP domain of the carrier: host of From and To
	Registrar     string    `yaml:"registrar"`      // host[:port]; empty: the trunk does not register
	OutboundProxy Hosts     `yaml:"outbound_proxy"` // tried in this order; default: Registrar, then Domain
	Transport     Transport `yaml:"transport"`      // default tls
	// OwnName is the host name by which the carrier knows the box: in Contact, and in From where the trunk does not
	// register. Empty: the address in Contact, Domain in From.
	OwnName  string    `yaml:"own_name"`
	Accounts []Account `yaml:"accounts"`
	// SignallingSources are where the carrier's own SIP connections and datagrams come from, besides the addresses
	// that Registrar and OutboundProxy resolve to.
	SignallingSources []netip.Prefix `yaml:"signalling_sources"`
	// MediaSources are further senders of the carrier's media, besides the address in its SDP.
	MediaSources []netip.Prefix `yaml:"media_sources"`
	// MediaLatching is when the carrier's unencrypted audio may move among those; default dynamic-strict.
	MediaLatching Latching     `yaml:"media_latching"`
	TLS           TLS          `yaml:"tls"`
	SRTP          SRTPMode     `yaml:"srtp"`          // default required with tls, else off
	KeysInClear   ClearKeys    `yaml:"keys_in_clear"` // as PBX.KeysInClear
	Keying        []Keying     `yaml:"keying"`        // as PBX.Keying
	Suites        []Suite      `yaml:"suites"`        // as PBX.Suites
	OfferICE      bool         `yaml:"offer_ice"`     // as PBX.OfferICE
	Codecs        []string     `yaml:"codecs"`        // as PBX.Codecs; at least one in common with it, PCMA and PCMU taken for one
	Ptime         int          `yaml:"ptime"`         // as PBX.Ptime
	NumberFormat  NumberFormat `yaml:"number_format"` // default e164
	Caps          Caps         `yaml:"caps"`
	// DTMF is how key presses reach the carrier; default pass.
	DTMF DTMF `yaml:"dtmf"`
	// ClearT38 is as PBX.ClearT38.
	ClearT38 Exception `yaml:"clear_t38"`
	// Registration is how accounts register, on a trunk with Registrar; default each.
	Registration Registration `yaml:"registration"`
	// Health is how the box finds out whether the carrier is there; default options without Registrar, else off.
	Health Health `yaml:"health"`
	// UDPOversize is what becomes of requests too long for one packet, with transport udp; default tcp.
	UDPOversize UDPOversize `yaml:"udp_oversize"`
	// Hold is how the carrier is told that the office holds a call; default pass.
	Hold Hold `yaml:"hold"`
	// SessionTimer says whether the box asks for session timers in calls to the carrier; default ask.
	SessionTimer SessionTimer `yaml:"session_timer"`
	// UnownedNumbers is what becomes of an office call that shows a number the trunk does not own; default replace.
	UnownedNumbers UnownedNumbers `yaml:"unowned_numbers"`
	// ClipNoScreening has the carrier shown who calls when the office forwards a call that the box carries.
	ClipNoScreening bool `yaml:"clip_no_screening"`
	// Trusted has the PBX told whom the carrier asserts, by which number a call came and how its signature was checked.
	Trusted bool         `yaml:"trusted"`
	Stir    Stir         `yaml:"stir"`
	Headers []HeaderRule `yaml:"headers"`
}

// Hosts are host[:port] in order of preference. A document may write a single one without a list.
type Hosts []string

// TLS says how box and peer prove to one another who they are. There is no way to switch the verification of a server off.
type TLS struct {
	// Trust is PEM certificates, or "system" for the public CAs. A trunk's default is "system"; the PBX's is empty, which
	// stands for the box's own CA.
	Trust      string    `yaml:"trust"`
	ServerName string    `yaml:"server_name"` // default: the trunk's domain, the PBX's address
	Wildcards  Wildcards `yaml:"wildcards"`   // default refuse
	// Certificate is what the box shows to this peer, whoever of the two connects: PEM, its own certificate first, then the
	// intermediates. Empty: none as a client, that of the box's own CA as a server.
	Certificate string `yaml:"certificate"`
	Key         Secret `yaml:"key"` // PEM, of Certificate
	// ClientAuthentication says whether the peer must show a certificate when it connects to the box; default off.
	ClientAuthentication ClientAuthentication `yaml:"client_authentication"`
}

// Account is one set of credentials on a trunk and the numbers that belong to it.
type Account struct {
	User     string `yaml:"user"`      // user part of the address of record
	AuthUser string `yaml:"auth_user"` // default: User
	Secret   Secret `yaml:"secret"`    // may be empty on a trunk without Registrar
	// WeakSecret lets Secret be weak all the same; default none.
	WeakSecret Exception `yaml:"weak_secret"`
	Numbers    []string  `yaml:"numbers"` // E.164 with "+"; the first is presented when the caller's own is not among them
}

// Caps bound a trunk.
type Caps struct {
	Calls     int `yaml:"calls"`      // simultaneous calls; 0 = only Limits.Calls applies
	PerSecond int `yaml:"per_second"` // calls begun within any second; 0: no limit
}

// Route sends calls from the PBX to trunks. Of the routes that count at the time, the one with the longest matching prefix
// wins; its trunks are tried in order, or in an order drawn by their weights.
type Route struct {
	Name     string   `yaml:"name"`
	Prefixes []string `yaml:"prefixes"` // E.164 prefixes such as "+33"; "+" matches every number
	Trunks   []string `yaml:"trunks"`
	// Weights are the shares of the calls that each of Trunks is tried first with; one of weight 0 is tried after all others.
	Weights []int `yaml:"weights"`
	When    When  `yaml:"when"`
}

// Limits bound the box as a whole.
type Limits struct {
	Calls int `yaml:"calls"` // simultaneous calls, emergency calls not counted against; default 30
	// SilenceTimeout is how many seconds one side of a call may send nothing before the call is ended; default 60.
	SilenceTimeout int `yaml:"silence_timeout"`
	// HoldTimeout is how many seconds a call on hold may be silent on both sides; default 3600.
	HoldTimeout int `yaml:"hold_timeout"`
}

// Admin says who may open the page.
type Admin struct {
	Port    uint16         `yaml:"port"`    // HTTPS, inside only; default 443
	Sources []netip.Prefix `yaml:"sources"` // default: Network.Inside.Prefixes
	// Certificate is what the page shows to browsers, its own first, then the intermediates, in PEM; empty: one of the box's own
	// authority. The page then answers to the names in it, too.
	Certificate string `yaml:"certificate"`
	Key         Secret `yaml:"key"` // PEM, of Certificate
}
