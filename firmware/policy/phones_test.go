package policy

import (
	"net/netip"
	"testing"
)

const onlyPhones = `version: 1
site: {name: Lyon, country: FR, time_zone: Europe/Paris}
network:
  inside: {interface: eth0, address: 192.0.2.10/24}
  outside: {interface: eth1, address: 198.51.100.10/24}
phones:
  domain: cloud.example
`

func TestPhonesNeedNeitherPBXNorTrunks(t *testing.T) {
	p := mustParse(t, onlyPhones)
	if p.PBX.Used() || len(p.Trunks) > 0 {
		t.Errorf("a PBX (%+v) or trunks that nobody wrote", p.PBX)
	}
	if again := canonical(t, mustParse(t, canonical(t, p))); again != canonical(t, p) {
		t.Errorf("written and read back:\n%s", again)
	}
	if ph := p.Phones; ph.Proxy != "cloud.example" || ph.Transport != TLSTransport || ph.SRTP != SRTPRequired || ph.Survival != SurvivalPhones ||
		len(ph.Sources) != 1 || ph.Sources[0] != netip.MustParsePrefix("192.0.2.0/24") || ph.TLS.ServerName != "cloud.example" {
		t.Errorf("defaults: %+v", ph)
	}
}

// What is written counts, also where it is little; what is not is the usual.
func TestHowManyPhonesMayBeRegistered(t *testing.T) {
	if p := mustParse(t, onlyPhones); p.Phones.Most != 500 {
		t.Errorf("usually %d", p.Phones.Most)
	}
	if p := mustParse(t, onlyPhones+"  most: 1\n"); p.Phones.Most != 1 {
		t.Errorf("%d where 1 is written", p.Phones.Most)
	}
}

func TestWithoutPhonesAPBXIsAsked(t *testing.T) {
	p := mustParse(t, small)
	if p.Phones.Used() || !p.PBX.Used() || len(p.Carriers()) != len(p.Trunks) {
		t.Errorf("phones %+v, carriers %v", p.Phones, p.Carriers())
	}
}

func TestThePhonesPBXIsAskedLikeACarrier(t *testing.T) {
	p := mustParse(t, example)
	list := p.Carriers()
	last := list[len(list)-1]
	if len(list) != len(p.Trunks)+1 || last.Name != PeerRemotePBX || last.OutboundProxy[0] != "sip.cloud.example:5061" || last.Registrar != "" {
		t.Errorf("carriers end with %+v", last)
	}
	if last.SRTP != SRTPRequired || len(last.Keying) != 1 || len(last.Suites) != 4 || last.KeysInClear != KeysInClearRefused {
		t.Errorf("its calls are encrypted by %v with %v", last.Keying, last.Suites)
	}
	if namePattern.matches(PeerRemotePBX) || namePattern.matches(PhonePeer(netip.MustParseAddr("192.0.2.7")).Name) {
		t.Error("a trunk may have the name of a phone or of its PBX")
	}
}

func TestAPhoneIsKnownByItsAddress(t *testing.T) {
	p := PhonePeer(netip.MustParseAddr("::ffff:192.0.2.7"))
	if p != (Peer{SideInside, "phone 192.0.2.7"}) || !p.Phone() {
		t.Errorf("got %+v", p)
	}
	if (Peer{SideInside, PeerPBX}).Phone() || (Peer{SideOutside, PeerRemotePBX}).Phone() {
		t.Error("a PBX is taken for a phone")
	}
}
