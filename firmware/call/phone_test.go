package call

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// phoneScene is a branch whose phones register with a PBX elsewhere, and which may have carriers of its own.
type phoneScene struct {
	*scene
	hosted *actor            // the remote PBX
	phones map[string]*actor // by user

	mu     sync.Mutex // guards everything below
	away   string
	heard  int
	failed []string
	gone   map[string]string // why a user's phone cannot be called
	noPBX  bool              // the office has no PBX of its own
}

const cloud = "cloud.example"

// phonesScene has the phones 101 and 102.
func phonesScene(t *testing.T, rules PhoneRules) *phoneScene {
	s := &phoneScene{scene: newScene(t, nil), phones: map[string]*actor{}, gone: map[string]string{}, noPBX: true}
	s.hosted = newActor(t, s.wires, remotePBX())
	for i, user := range []string{"101", "102"} {
		s.phones[user] = newActor(t, s.wires, policy.PhonePeer(netip.AddrFrom4([4]byte{192, 0, 2, byte(71 + i)})))
	}
	rules.Used = true
	s.desk.o.Parties, s.desk.o.Phones = s, s
	settings := *s.desk.settings
	settings.Phones = rules
	s.desk.Set(settings)
	return s
}

func (s *phoneScene) PBX() (Party, bool) {
	party, ok := s.scene.PBX()
	return party, ok && !s.noPBX
}

func (s *phoneScene) Trunk(name string) (Party, bool) {
	if name != policy.PeerRemotePBX {
		return s.scene.Trunk(name)
	}
	return Party{
		Peer: s.hosted.peer, Path: s.hosted.boxEnd, Local: ua.Local{Host: "198.51.100.2", Port: 5060, Transport: "UDP"}, Domain: cloud,
		SRTP: policy.SRTPOff, Codecs: []string{"PCMA"}, Verbatim: true,
	}, true
}

func (s *phoneScene) phone(user string) (Phone, bool) {
	a := s.phones[user]
	if a == nil {
		return Phone{Party: Party{Peer: policy.Peer{Side: policy.SideInside}, Local: ua.Local{Host: "192.0.2.1", Port: 5060, Transport: "UDP"}, SRTP: policy.SRTPOff, Codecs: []string{"PCMA"}, Verbatim: true}}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return Phone{Token: "token-of-" + user, User: user, Route: []string{"<sip:edge." + cloud + ";lr>"}, Party: Party{
		Peer: a.peer, Path: a.boxEnd, Local: ua.Local{Host: "192.0.2.1", Port: 5060, Transport: "UDP"}, Domain: cloud,
		Target: "sip:" + user + "@10.0.0.5:5060;line=x", Away: s.gone[user], SRTP: policy.SRTPOff, Codecs: []string{"PCMA"}, Verbatim: true, MediaAt: netip.MustParseAddr("127.0.0.7"),
	}}, true
}

func (s *phoneScene) From(_ policy.Transport, _ netip.AddrPort, user string) (Phone, bool) {
	return s.phone(user)
}

func (s *phoneScene) At(token string) (Phone, bool) {
	return s.phone(strings.TrimPrefix(token, "token-of-"))
}

func (s *phoneScene) Of(user string) []Phone {
	if p, ok := s.phone(user); ok {
		return []Phone{p}
	}
	return nil
}

// standing is how the PBX stands.
type standing struct{ s *phoneScene }

func (s *phoneScene) PBXStanding() PhonesPBX { return standing{s} }

func (p standing) Away() string {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.s.away
}

func (p standing) Heard() {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.s.heard++
}

func (p standing) Failed(reason string) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.s.failed = append(p.s.failed, reason)
}

// call makes a phone call somebody at the domain of its PBX.
func (s *phoneScene) call(user, to string, headers ...sip.Header) *dialog {
	return s.phones[user].invite("sip:"+user+"@"+cloud, "sip:"+to+"@"+cloud, headers...)
}

func (a *actor) invite(from, to string, headers ...sip.Header) *dialog {
	return a.send(ua.Draft{
		Method: sip.INVITE, URI: to, From: from, FromName: "Desk", To: to, FromTag: ua.NewTag(), CallID: "marked-call-id-" + ua.NewTag(), Seq: 1,
		Contact: "sip:x@10.0.0.5", Local: ua.Local{Host: "10.0.0.5", Port: 5060, Transport: "UDP"}, Body: []byte(clearSDP("10.0.0.5")), ContentType: sdpType,
		MaxForwards: ua.MaxForwards, Headers: headers,
	})
}

// answered brings a call up between who called and who was called.
func answeredBy(caller, callee *dialog) {
	callee.respond(180, "")
	caller.expect(180)
	callee.respond(200, clearSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
}

func TestAPhoneCallsByItsPBXAndProvesItselfThere(t *testing.T) {
	s := phonesScene(t, PhoneRules{Survival: policy.SurvivalPhones})
	first := s.call("101", "102")
	asked := s.hosted.called()
	if err := asked.in.Respond(asked.box, ua.Reply{Status: 407, Headers: []sip.Header{
		sip.NewHeader("Proxy-Authenticate", `Digest realm="cloud.example", nonce="n1", qop="auth,auth-int"`)}}); err != nil {
		t.Fatal(err)
	}
	if got := first.expect(407).GetHeaders("Proxy-Authenticate"); len(got) != 1 || got[0].Value() != `Digest realm="cloud.example", nonce="n1", qop="auth"` {
		t.Errorf("the phone was asked %v", got)
	}
	const proof = `Digest username="101", realm="cloud.example", nonce="n1", uri="sip:102@cloud.example", response="r"`
	caller := s.call("101", "102", sip.NewHeader("Proxy-Authorization", proof))
	callee := s.hosted.called()
	in := callee.in
	if in.Recipient.String() != "sip:102@cloud.example" || in.From().Address.String() != "sip:101@cloud.example" || in.From().DisplayName != "Desk" ||
		in.GetHeaders("Proxy-Authorization")[0].Value() != proof || in.GetHeaders("Route")[0].Value() != "<sip:edge.cloud.example;lr>" {
		t.Errorf("the PBX was sent\n%s", in)
	}
	answeredBy(caller, callee)
	if !s.holes.listens("127.0.0.7") {
		t.Error("the audio of a phone behind a router is not let in from where its packets come")
	}
	hangUp(t, callee, caller)
	noLeak(t, s.hosted, "10.0.0.5", "marked", "192.0.2.71")
	if s.heard == 0 || len(s.failed) > 0 {
		t.Errorf("the PBX was heard %d times, and failed with %v", s.heard, s.failed)
	}
}

// refused waits a moment until a call was refused by a rule for a reason.
func (s *phoneScene) refused(rule, reason string) {
	s.t.Helper()
	told := func(e event.Event) bool {
		no, ok := e.(event.CallRefused)
		return ok && no.Rule == rule && no.Reason == reason
	}
	for range 200 {
		s.facts.mu.Lock()
		found := slices.ContainsFunc(s.facts.list, told)
		s.facts.mu.Unlock()
		if found {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Errorf("no call was refused by %q for %q: %+v", rule, reason, s.facts.list)
}

func TestThePBXCallsAPhoneByItsToken(t *testing.T) {
	s := phonesScene(t, PhoneRules{})
	caller := s.hosted.invite("sip:102@cloud.example", "sip:token-of-101@198.51.100.2")
	callee := s.phones["101"].called()
	if in := callee.in; in.Recipient.String() != "sip:101@10.0.0.5:5060;line=x" || in.To().Address.String() != "sip:101@cloud.example" || in.From().Address.String() != "sip:102@cloud.example" {
		t.Errorf("the phone was sent\n%s", in)
	}
	answeredBy(caller, callee)
	hangUp(t, caller, callee)
	s.hosted.invite("sip:102@cloud.example", "sip:nobody@198.51.100.2").expect(404)
	s.mu.Lock()
	s.gone["101"] = "the phone of user 101 has not renewed its registration"
	s.mu.Unlock()
	s.hosted.invite("sip:102@cloud.example", "sip:token-of-101@198.51.100.2").expect(480)
	s.refused("phones", "the phone of user 101 has not renewed its registration")
}

func TestWhatThePBXSaysReachesThePhone(t *testing.T) {
	for said, want := range map[int]int{486: 486, 404: 404, 603: 603, 500: 502, 300: 300, 302: 302, 305: 302} {
		s := phonesScene(t, PhoneRules{Survival: policy.SurvivalPhones})
		caller := s.call("101", "102")
		s.hosted.called().respond(said, "")
		caller.expect(want)
	}
}

func TestAPhoneThatHasNotRegisteredMayOnlyCallForHelp(t *testing.T) {
	s := phonesScene(t, PhoneRules{OutsidePrefix: "0"})
	s.phones["103"] = s.phones["102"]
	stranger := s.phones["103"]
	delete(s.phones, "103")
	stranger.invite("sip:103@cloud.example", "sip:101@cloud.example").expect(403)
	if no := find[event.CallRefused](s.scene); no.Rule != "not registered" || no.Reason == "" {
		t.Errorf("told %+v", no)
	}
	caller := stranger.invite("sip:103@cloud.example", "sip:018@cloud.example")
	callee := s.a.called()
	if callee.in.Recipient.User != "18" {
		t.Errorf("the carrier was called at %s", callee.in.Recipient.String())
	}
	callee.respond(486, "")
	s.b.called().respond(486, "")
	s.hosted.called().respond(486, "")
	caller.expect(486)
}

// The carriers know where the office is; the PBX may be in another country.
func TestAnEmergencyCallOfAPhoneLeavesByTheCarriersFirst(t *testing.T) {
	s := phonesScene(t, PhoneRules{Survival: policy.SurvivalOff})
	caller := s.call("101", "112")
	first := s.a.called()
	if first.in.Recipient.User != "112" || first.in.From().Address.User != "+33123456700" || len(first.in.GetHeaders("Route")) > 0 {
		t.Errorf("the carrier was sent\n%s", first.in)
	}
	first.respond(503, "")
	s.b.called().respond(503, "")
	last := s.hosted.called()
	if last.in.Recipient.String() != "sip:112@cloud.example" {
		t.Errorf("the PBX was called at %s", last.in.Recipient.String())
	}
	answeredBy(caller, last)
	hangUp(t, caller, last)
}

func TestACallBackReachesThePhoneThatHasCalledForHelp(t *testing.T) {
	s := phonesScene(t, PhoneRules{Inbound: "102"})
	caller := s.call("101", "112")
	help := s.a.called()
	help.respond(486, "")
	s.b.called().respond(486, "")
	s.hosted.called().respond(486, "")
	caller.expect(486)
	back := s.b.invite("sip:112@carrier-b.example", "sip:+33123456800@198.51.100.2")
	rung := s.phones["101"].called()
	rung.respond(486, "")
	back.expect(486)
	s.desk.mu.Lock()
	s.desk.rescue.at = time.Now().Add(-2 * callBack)
	s.desk.mu.Unlock()
	late := s.b.invite("sip:+33612345678@carrier-b.example", "sip:+33123456800@198.51.100.2")
	s.phones["102"].called().respond(486, "")
	late.expect(486)
}

func TestACarriersCallRingsAPhoneWhereThereIsNoPBX(t *testing.T) {
	s := phonesScene(t, PhoneRules{Inbound: "101"})
	caller := s.b.invite("sip:+33612345678@carrier-b.example", "sip:+33123456800@198.51.100.2")
	callee := s.phones["101"].called()
	if in := callee.in; !strings.Contains(in.From().Address.String(), "33612345678") || in.To().Address.Host != cloud {
		t.Errorf("the phone was sent\n%s", in)
	}
	answeredBy(caller, callee)
	hangUp(t, caller, callee)
	nobody := phonesScene(t, PhoneRules{})
	nobody.b.invite("sip:+33612345678@carrier-b.example", "sip:+33123456800@198.51.100.2").expect(480)
	if no := find[event.CallRefused](nobody.scene); no.Rule != "phones.inbound" {
		t.Errorf("told %+v", no)
	}
}

func TestACarriersCallRingsAPhoneWhenTheOfficesPBXCannotBeReached(t *testing.T) {
	s := phonesScene(t, PhoneRules{Inbound: "101"})
	s.noPBX = false
	busy := s.b.invite("sip:+33612345678@carrier-b.example", "sip:+33123456800@198.51.100.2")
	s.pbx.called().respond(403, "")
	busy.expect(403)
	s.pbx.boxEnd.Dead = true
	caller := s.b.invite("sip:+33612345678@carrier-b.example", "sip:+33123456800@198.51.100.2")
	s.phones["101"].called().respond(486, "")
	caller.expect(486)
}

func TestPhonesCallOneAnotherWhileTheirPBXIsAway(t *testing.T) {
	s := phonesScene(t, PhoneRules{Survival: policy.SurvivalPhones})
	s.away = "the phones' PBX cannot be reached: it does not answer"
	caller := s.call("101", "102")
	callee := s.phones["102"].called()
	if in := callee.in; in.Recipient.String() != "sip:102@10.0.0.5:5060;line=x" || in.From().Address.String() != "sip:101@cloud.example" ||
		len(in.GetHeaders("Proxy-Authorization")) > 0 || len(in.GetHeaders("Route")) > 0 {
		t.Errorf("the other phone was sent\n%s", in)
	}
	answeredBy(caller, callee)
	hangUp(t, caller, callee)
	s.call("101", "0472105518").expect(503)
	no := find[event.CallRefused](s.scene)
	if no.Rule != "phones.survival" || no.Reason != "the phones' PBX cannot be reached: it does not answer; meanwhile no phone of user 0472105518 is known" {
		t.Errorf("told %+v", no)
	}
}

func TestInSurvivalOtherCallsLeaveByTheRoutesWhereThePolicySaysSo(t *testing.T) {
	s := phonesScene(t, PhoneRules{Survival: policy.SurvivalRoutes, OutsidePrefix: "0"})
	s.away = "the phones' PBX cannot be reached"
	caller := s.call("101", "00472105518")
	callee := s.a.called()
	if in := callee.in; in.Recipient.User != "+33472105518" || in.From().Address.User != "+33123456700" {
		t.Errorf("the carrier was sent\n%s", in)
	}
	callee.respond(486, "")
	caller.expect(486)
}

func TestWithoutSurvivalOnlyEmergencyCallsPass(t *testing.T) {
	s := phonesScene(t, PhoneRules{Survival: policy.SurvivalOff})
	s.away = "the phones' PBX cannot be reached"
	s.call("101", "102").expect(503)
	if no := find[event.CallRefused](s.scene); !strings.HasSuffix(no.Reason, "meanwhile only emergency calls pass") {
		t.Errorf("told %+v", no)
	}
	caller := s.call("101", "15")
	s.a.called().respond(404, "")
	s.b.called().respond(404, "")
	s.hosted.called().respond(404, "")
	caller.expect(404)
}

// That the PBX is away may be found out by a call: the other phone is reached all the same, and the PBX is asked.
func TestACallThatThePBXDoesNotAnswerReachesTheOtherPhone(t *testing.T) {
	s := phonesScene(t, PhoneRules{Survival: policy.SurvivalPhones})
	s.hosted.boxEnd.Dead = true
	caller := s.call("101", "102")
	callee := s.phones["102"].called()
	callee.respond(486, "")
	caller.expect(486)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.failed) != 1 {
		t.Errorf("told %v", s.failed)
	}
}

func TestATransferOfAPhoneIsItsPBXs(t *testing.T) {
	s := phonesScene(t, PhoneRules{})
	caller := s.call("101", "102")
	callee := s.hosted.called()
	answeredBy(caller, callee)
	refer := caller.state.Request(sip.REFER)
	refer.AppendHeader(sip.NewHeader("Refer-To", "<sip:103@10.0.0.5>"))
	refer.AppendHeader(sip.NewHeader("Proxy-Authorization", "Digest proof"))
	caller.sendRequest(refer)
	in := callee.request(sip.REFER)
	if in.GetHeaders("Refer-To")[0].Value() != "<sip:103@cloud.example>" || in.GetHeaders("Proxy-Authorization")[0].Value() != "Digest proof" {
		t.Errorf("the PBX was sent\n%s", in)
	}
	if err := in.Respond(callee.box, ua.Reply{Status: 202, Contact: "sip:gw@203.0.113.7"}); err != nil {
		t.Fatal(err)
	}
	caller.expect(202)
	notify := callee.state.RequestWith(sip.NOTIFY, []byte("SIP/2.0 200 OK\r\nContact: <sip:secret@203.0.113.7>\r\n"), "message/sipfrag;version=2.0")
	notify.AppendHeader(sip.NewHeader("Event", "refer;id=1"))
	notify.AppendHeader(sip.NewHeader("Subscription-State", "terminated;reason=noresource"))
	callee.sendRequest(notify)
	told := caller.request(sip.NOTIFY)
	if string(told.Body()) != "SIP/2.0 200 OK\r\n" || told.GetHeaders("Event")[0].Value() != "refer" || !strings.HasPrefix(told.GetHeaders("Subscription-State")[0].Value(), "terminated") {
		t.Errorf("the phone was told\n%s", told)
	}
	if err := told.Respond(caller.box, ua.Reply{Status: 200}); err != nil {
		t.Fatal(err)
	}
	callee.expect(200)
	hangUp(t, callee, caller)
}

func TestAnAttendedTransferNamesThePBXsOwnDialog(t *testing.T) {
	s := phonesScene(t, PhoneRules{})
	one := s.call("101", "102")
	oneAtPBX := s.hosted.called()
	answeredBy(one, oneAtPBX)
	two := s.call("101", "104")
	twoAtPBX := s.hosted.called()
	answeredBy(two, twoAtPBX)
	refer := one.state.Request(sip.REFER)
	refer.AppendHeader(sip.NewHeader("Refer-To", "<sip:104@10.0.0.5?Replaces="+two.state.CallID+"%3Bto-tag%3D"+two.state.RemoteTag+"%3Bfrom-tag%3D"+two.state.LocalTag+">"))
	one.sendRequest(refer)
	in := oneAtPBX.request(sip.REFER)
	d := twoAtPBX.state
	want := "<sip:104@cloud.example?Replaces=" + d.CallID + "%3Bto-tag%3D" + d.LocalTag + "%3Bfrom-tag%3D" + d.RemoteTag + ">"
	if got := in.GetHeaders("Refer-To")[0].Value(); got != want {
		t.Errorf("the PBX was sent to\n%s, want\n%s", got, want)
	}
	if err := in.Respond(oneAtPBX.box, ua.Reply{Status: 603}); err != nil {
		t.Fatal(err)
	}
	one.expect(603)
}

func TestAChangeThatThePBXWantsProofForIsAskedOnceMore(t *testing.T) {
	s := phonesScene(t, PhoneRules{})
	caller := s.call("101", "102")
	callee := s.hosted.called()
	answeredBy(caller, callee)
	hold := clearSDP("10.0.0.5", "a=sendonly")
	caller.ask(sip.INVITE, hold)
	in := callee.request(sip.INVITE)
	if err := in.Respond(callee.box, ua.Reply{Status: 401, Headers: []sip.Header{sip.NewHeader("WWW-Authenticate", `Digest realm="x", nonce="n"`)}}); err != nil {
		t.Fatal(err)
	}
	if got := caller.expect(401).GetHeaders("WWW-Authenticate"); len(got) != 1 {
		t.Errorf("the phone was asked %v", got)
	}
	again := caller.state.RequestWith(sip.INVITE, []byte(hold), sdpType)
	again.AppendHeader(sip.NewHeader("Authorization", "Digest proof"))
	out := caller.sendRequest(again)
	in = callee.request(sip.INVITE)
	if got := in.GetHeaders("Authorization"); len(got) != 1 || got[0].Value() != "Digest proof" || !hasLine(offerOf(in), "a=sendonly") {
		t.Errorf("the PBX was sent\n%s", in)
	}
	if err := in.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(clearSDP("203.0.113.8", "a=recvonly")), ContentType: sdpType}); err != nil {
		t.Fatal(err)
	}
	caller.expect(200)
	if err := out.Ack(nil); err != nil {
		t.Fatal(err)
	}
	callee.request(sip.ACK)
	hangUp(t, caller, callee)
}

// sendRequest sends a request that was made in the dialog.
func (c *dialog) sendRequest(req *sip.Request) *ua.Outgoing {
	c.a.t.Helper()
	out, err := c.box.Send(c.a.t.Context(), req, box, c.a.end, c.state, nil)
	if err != nil {
		c.a.t.Fatal(err)
	}
	return out
}
