package edge

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/access"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
)

// judge replaces what access says.
func (b *bench) judge(v access.Verdict) {
	b.rules.mu.Lock()
	defer b.rules.mu.Unlock()
	b.rules.identify = func(access.Source, *sip.Request) access.Verdict { return v }
}

func TestMalformedRequestsAreAnsweredWithTheReason(t *testing.T) {
	each(t, func(t *testing.T, b *bench, p *peer) {
		for i, tc := range []struct{ old, new, want string }{
			{"CSeq: 7 ", "CSeq: 7 NOT-", "SIP/2.0 400 CSeq method differs from the request's"},
			{"To: <", "To: x\r\nTo: <", "SIP/2.0 400 More than one To header field"},
			{"SIP/2.0\r\n", "SIP/7.0\r\n", "SIP/2.0 505 Version Not Supported"},
			{"OPTIONS sip", "oPTIONS sip", "SIP/2.0 501 Method in lower case"},
			{"sip:box@127.0.0.1 SIP", "soap.beep://127.0.0.1 SIP", "SIP/2.0 416 Unsupported URI Scheme"},
			{"tag=from", "gat=from", "SIP/2.0 400 From without a tag"},
			{"From: <sip:pbx@127.0.0.1>", "From: \"<sip:pbx@127.0.0.1>", "SIP/2.0 400 Malformed header field"},
		} {
			p.say(strings.Replace(p.request("OPTIONS", 7), tc.old, tc.new, 1))
			answer := p.hear()
			if !strings.HasPrefix(answer, tc.want+"\r\n") {
				t.Errorf("%q is answered\n%s\nwant %s", tc.new, answer, tc.want)
			}
			if headerOf(answer, "Call-ID") != "call-7" || !strings.Contains(headerOf(answer, "Via"), "z9hG4bK7") ||
				!strings.Contains(headerOf(answer, "Via"), "rport="+portOf(p)) || !strings.Contains(headerOf(answer, "To"), ";tag=") {
				t.Errorf("%d: the answer is no use to its transaction:\n%s", i, answer)
			}
			if f := b.sink.await(t, ruleMalformed); f.Source.String() != p.LocalAddr().String() || f.Side != "inside" {
				t.Errorf("told %+v", f)
			}
		}
		b.nothing(t)
		p.say(p.request("OPTIONS", 8)) // none of it has ended the connection
		b.next(t)
	})
}

func portOf(p *peer) string {
	_, port, _ := strings.Cut(p.LocalAddr().String(), ":")
	return port
}

func TestAFramingFaultIsAnsweredAndEndsTheStream(t *testing.T) {
	server, client := certificates(t)
	for _, tr := range []policy.Transport{policy.TCP, policy.TLSTransport} {
		for _, tc := range []struct{ old, new, want string }{
			{"Max-Forwards: 70\r\n", "Max-Forwards: 70\n", "SIP/2.0 400 LF without CR"},
			{"From: <", "From: \"\x00\" <", "SIP/2.0 400 Control character in the header section"},
			{"Content-Length: 0", "Content-Length: 0\r\nl: 0", "SIP/2.0 400 More than one Content-Length header field"},
			{"Content-Length: 0\r\n", "", "SIP/2.0 400 Missing Content-Length header field"},
			{"Content-Length: 0", "Content-Length: 65535", "SIP/2.0 513 Message larger than 65535 bytes"},
			{"Max-Forwards: 70\r\n", strings.Repeat("X: y\r\n", 200), "SIP/2.0 513 Too many header fields"},
			{"Max-Forwards: 70\r\n", "X: " + strings.Repeat("y", 60000) + "\r\n", "SIP/2.0 513 Header field too long"},
			{"Max-Forwards: 70\r\n", strings.Repeat("X: yyyyyyyyyyyyyyyyyyyyy\r\n", 4000), "SIP/2.0 513 Message larger than 65535 bytes"},
		} {
			b := newBench(t)
			at := b.listen(t, inside(tr, server))
			p := connect(t, tr, at[tr], client)
			p.say(strings.Replace(p.request("OPTIONS", 7), tc.old, tc.new, 1) + p.request("OPTIONS", 8))
			answer := p.hear()
			if !strings.HasPrefix(answer, tc.want+"\r\n") || !strings.Contains(headerOf(answer, "Via"), "z9hG4bK7") {
				t.Errorf("%s: %.40q is answered\n%s\nwant %s", tr, tc.new, answer, tc.want)
			}
			p.hungUp()
			b.nothing(t)
		}
	}
}

func TestWhatMustNotBeAnsweredIsNot(t *testing.T) {
	each(t, func(t *testing.T, b *bench, p *peer) {
		ack := strings.Replace(p.request("ACK", 1), "CSeq: 1 ACK", "CSeq: 1 INVITE", 1)
		response := strings.Replace(p.request("OPTIONS", 2), "OPTIONS sip:box@127.0.0.1 SIP/2.0", "SIP/2.0 2000 OK", 1)
		noVia := strings.Replace(p.request("OPTIONS", 3), "Via: ", "X: ", 1)
		two := strings.Replace(p.request("OPTIONS", 4), "OPTIONS sip:box@127.0.0.1 SIP/2.0", "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx", 1)
		for _, m := range []string{ack, response, noVia, two} {
			p.say(m)
		}
		p.silent()
		b.nothing(t)
		if f := b.sink.await(t, ruleMalformed); f.Status != 0 {
			t.Errorf("told %+v", f)
		}
	})
}

func TestBytesBehindTheBodyOfADatagramAreNoMessage(t *testing.T) {
	b := newBench(t)
	at := b.listen(t, inside(policy.UDP, nil))
	p := connect(t, policy.UDP, at[policy.UDP], nil)
	p.say(p.request("OPTIONS", 1) + p.request("INVITE", 2))
	if h := b.next(t); len(h.m.Body()) != 0 || h.m.CSeq().SeqNo != 1 {
		t.Errorf("handed on %s", h.m)
	}
	b.nothing(t)
}

func TestKeepAliveDatagramsAreNoMessages(t *testing.T) {
	b := newBench(t)
	at := b.listen(t, inside(policy.UDP, nil))
	p := connect(t, policy.UDP, at[policy.UDP], nil)
	for _, k := range []string{"\r\n", "\r\n\r\n", "\x00", "\x00\x00\x00\x00"} {
		p.say(k)
	}
	p.say(p.request("OPTIONS", 1))
	b.next(t)
	if f := b.sink.all(); len(f) != 0 {
		t.Errorf("told %v", f)
	}
}

func TestAChallengeIsTheSameForARetransmissionAndItsACKIsAbsorbed(t *testing.T) {
	each(t, func(t *testing.T, b *bench, p *peer) {
		b.judge(access.Verdict{Action: access.Challenge, Status: 401, Rule: access.RuleNoCredentials,
			Challenge: []string{`Digest realm="tollgate", algorithm=SHA-256, nonce="a"`, `Digest realm="tollgate", algorithm=MD5, nonce="b"`}})
		invite := p.request("INVITE", 1)
		p.say(invite)
		first := p.hear()
		p.say(invite)
		second := p.hear()
		if first != second {
			t.Errorf("answers differ:\n%s\n%s", first, second)
		}
		for _, want := range []string{"SIP/2.0 401 Unauthorized\r\n", "WWW-Authenticate: Digest realm=\"tollgate\", algorithm=SHA-256, nonce=\"a\"\r\nWWW-Authenticate: Digest realm=\"tollgate\", algorithm=MD5", "Content-Length: 0\r\n"} {
			if !strings.Contains(first, want) {
				t.Errorf("%q is missing in\n%s", want, first)
			}
		}
		p.say(p.request("INVITE", 2))
		tag := regexp.MustCompile("tag=[0-9a-f]{18}$")
		one, other := tag.FindString(headerOf(first, "To")), tag.FindString(headerOf(p.hear(), "To"))
		if one == "" || one == other {
			t.Errorf("tags %q and %q of two transactions", one, other)
		}
		b.judge(access.Verdict{Action: access.Accept, Peer: policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}})
		p.say(strings.Replace(p.request("ACK", 1), "To: <sip:box@127.0.0.1>", "To: "+headerOf(first, "To"), 1))
		b.nothing(t)
		p.say(strings.Replace(p.request("ACK", 1), "To: <sip:box@127.0.0.1>", "To: <sip:box@127.0.0.1>;tag=0123456789abcdef", 1))
		b.next(t) // an ACK with a tag of somebody else's is theirs
		if f := b.sink.all(); len(f) != 0 {
			t.Errorf("a first challenge is told: %v", f)
		}
	})
}

func TestAWrongDigestIsChallengedAgainAndTold(t *testing.T) {
	each(t, func(t *testing.T, b *bench, p *peer) {
		b.judge(access.Verdict{Action: access.Challenge, ProxyAuth: true, Rule: access.RuleWrongDigest, Reason: "The secret is wrong.", Challenge: []string{"Digest x"}})
		p.say(p.request("INVITE", 1))
		if answer := p.hear(); !strings.HasPrefix(answer, "SIP/2.0 407 Proxy Authentication Required\r\n") || headerOf(answer, "Proxy-Authenticate") != "Digest x" {
			t.Errorf("answer\n%s", answer)
		}
		if f := b.sink.await(t, access.RuleWrongDigest); f.Status != 407 || f.Method != "INVITE" || f.Reason != "The secret is wrong." {
			t.Errorf("told %+v", f)
		}
		b.nothing(t)
	})
}

func TestAnEmergencyCallThatProvesNothingIsHandedOnAndTold(t *testing.T) {
	told := make(chan event.Event, 10)
	b := newBench(t, func(o *Options) { o.Sink = tells(func(e event.Event) { told <- e }) })
	p := connect(t, policy.UDP, b.listen(t, inside(policy.UDP, nil))[policy.UDP], nil)
	b.judge(access.Verdict{Action: access.Accept, Peer: policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}, Rule: access.RuleWrongDigest, Reason: "Wrong."})
	p.say(p.request("INVITE", 1))
	b.next(t)
	if e, ok := (<-told).(event.EmergencyException); !ok || e.Rule != access.RuleWrongDigest || e.Reason != "Wrong." {
		t.Errorf("told %+v", e)
	}
}

// tells is a sink.
type tells func(event.Event)

func (l tells) Tell(e event.Event) { l(e) }

func TestARefusalSaysNothingButItsStatus(t *testing.T) {
	each(t, func(t *testing.T, b *bench, p *peer) {
		b.judge(access.Verdict{Action: access.Refuse, Status: 405, Rule: access.RuleNoRegistrar, Reason: "Secret reasons."})
		p.say(p.request("REGISTER", 1))
		answer := p.hear()
		if !strings.HasPrefix(answer, "SIP/2.0 405 Method Not Allowed\r\n") || headerOf(answer, "Allow") == "" || strings.Contains(answer, "Secret") ||
			strings.Contains(answer, "Warning") || strings.Contains(answer, "Reason") || strings.Contains(answer, "Server") {
			t.Errorf("answer\n%s", answer)
		}
		if f := b.sink.await(t, access.RuleNoRegistrar); f.Status != 405 || f.Reason != "Secret reasons." {
			t.Errorf("told %+v", f)
		}
		p.say(p.request("ACK", 2))
		p.silent()
		b.nothing(t)
	})
}

func TestADroppedRequestGetsNoAnswer(t *testing.T) {
	each(t, func(t *testing.T, b *bench, p *peer) {
		b.judge(access.Verdict{Action: access.Drop, Rule: access.RuleWrongTransport, Reason: "The carrier uses TLS."})
		p.say(p.request("INVITE", 1))
		p.silent()
		b.nothing(t)
		if f := b.sink.await(t, access.RuleWrongTransport); f.Status != 0 || f.Method != "INVITE" {
			t.Errorf("told %+v", f)
		}
	})
}

func TestResponsesOfStrangersAreDropped(t *testing.T) {
	b := newBench(t)
	at := b.listen(t, inside(policy.UDP, nil))
	b.rules.mu.Lock()
	b.rules.known = func(s access.Source) bool { return s.Addr.Addr() == netip.MustParseAddr("127.0.0.1") }
	b.rules.mu.Unlock()
	far := newFarEnd(t, policy.UDP, nil)
	stranger := connectFrom(t, policy.UDP, "127.0.0.2", at[policy.UDP], nil)
	stranger.say(strings.Replace(stranger.request("OPTIONS", 1), "OPTIONS sip:box@127.0.0.1 SIP/2.0", "SIP/2.0 200 OK", 1))
	b.sink.await(t, access.RuleUnknownSource)
	b.nothing(t)
	c := dial(t, b, Target{Owner: "pbx", Side: policy.SideInside, Transport: policy.UDP, Addr: far.addr})
	if err := c.WriteMsg(outgoing(t, c, 1)); err != nil {
		t.Fatal(err)
	}
	far.answer(t, 200)
	b.next(t)
}

func TestViaSaysWhereARequestReallyCameFrom(t *testing.T) {
	source := netip.MustParseAddrPort("192.0.2.10:40000")
	six := netip.MustParseAddrPort("[2001:db8::10]:40000")
	for _, tc := range []struct {
		via      string
		source   netip.AddrPort
		want     string // the parameters afterwards
		answerTo string
	}{
		{"192.0.2.10:5060;branch=z", source, "branch=z", "192.0.2.10:5060"},
		{"192.0.2.10;branch=z", source, "branch=z", "192.0.2.10:5060"},
		{"192.0.2.10:5062;branch=z", source, "branch=z", "192.0.2.10:5062"},
		{"192.0.2.10:5060;rport;branch=z", source, "rport=40000;branch=z;received=192.0.2.10", "192.0.2.10:40000"},
		{"192.0.2.10:5060;rport=1;branch=z", source, "rport=40000;branch=z;received=192.0.2.10", "192.0.2.10:40000"},
		{"10.0.0.1:5060;branch=z", source, "branch=z;received=192.0.2.10", "192.0.2.10:40000"},
		{"10.0.0.1:5060;rport;branch=z", source, "rport=40000;branch=z;received=192.0.2.10", "192.0.2.10:40000"},
		{"pbx.office.example:5070;branch=z", source, "branch=z;received=192.0.2.10", "192.0.2.10:5070"},
		{"192.0.2.10:5060;received=203.0.113.9;branch=z", source, "branch=z", "192.0.2.10:5060"},
		{"192.0.2.10:5060;maddr=203.0.113.9;branch=z", source, "maddr=203.0.113.9;branch=z", "192.0.2.10:5060"},
		{"203.0.113.9:5060;received=203.0.113.9;rport=9;branch=z", source, "rport=40000;branch=z;received=192.0.2.10", "192.0.2.10:40000"},
		{"[2001:db8::10]:5060;branch=z", six, "branch=z", "[2001:db8::10]:5060"},
		{"[2001:db8::10]:5060;rport;branch=z", six, "rport=40000;branch=z;received=2001:db8::10", "[2001:db8::10]:40000"},
		{"[2001:db8::99]:5060;branch=z", six, "branch=z;received=2001:db8::10", "[2001:db8::10]:40000"},
	} {
		text := strings.Replace(good, "192.0.2.1:5060;branch=z9hG4bKa1;rport", tc.via, 1)
		s, size := inspectDatagram([]byte(text))
		m, f, err := parse(sip.NewParser(), []byte(text)[:size], s)
		if f.found() || err != nil {
			t.Fatalf("%s: %s, %v", tc.via, f.reason(), err)
		}
		if got := responseTo(m.Via(), tc.source); got.String() != tc.answerTo {
			t.Errorf("%s: answered to %v, want %s", tc.via, got, tc.answerTo)
		}
		markVia(m.Via(), tc.source)
		if got := m.Via().Params.ToString(';'); got != tc.want {
			t.Errorf("%s: parameters %s, want %s", tc.via, got, tc.want)
		}
	}
}

func TestAnswersOfATransactionGoWhereViaWantsThem(t *testing.T) {
	b := newBench(t)
	at := b.listen(t, inside(policy.UDP, nil))
	asks, listens := connect(t, policy.UDP, at[policy.UDP], nil), connect(t, policy.UDP, at[policy.UDP], nil)
	asks.say(strings.Replace(request("OPTIONS", 1, "UDP", listens.LocalAddr().String()), ";rport", "", 1))
	h := b.next(t)
	if err := h.c.WriteMsg(sip.NewResponseFromRequest(h.m.(*sip.Request), 200, "OK", nil)); err != nil {
		t.Fatal(err)
	}
	listens.hear()
	asks.silent()
	if h.c.Remote().String() != asks.LocalAddr().String() {
		t.Errorf("remote %v", h.c.Remote())
	}
}

func TestParametersAreReadInAnyCaseAndSpacing(t *testing.T) {
	text := strings.Replace(good, ";branch=z9hG4bKa1;rport", " ; BRANCH = z9hG4bKa1;RPORT", 1)
	text = strings.Replace(text, ";tag=f1", " ; Tag = f1", 1)
	s, size := inspectDatagram([]byte(text))
	m, f, err := parse(sip.NewParser(), []byte(text)[:size], s)
	if f.found() || err != nil {
		t.Fatalf("%s, %v", f.reason(), err)
	}
	branch, _ := m.Via().Params.Get("branch")
	tag, _ := m.From().Params.Get("tag")
	if branch != "z9hG4bKa1" || tag != "f1" || !m.Via().Params.Has("rport") {
		t.Errorf("branch %q, tag %q, Via %v", branch, tag, m.Via())
	}
}

func TestAnAnswerToRubbishIsHardlyLongerThanIt(t *testing.T) {
	tagger, source := newTagger(), netip.MustParseAddrPort("198.51.100.200:54321")
	for name, b := range torture(t) {
		s, _ := inspectDatagram(b)
		if !s.fault.found() {
			s.fault.code = faultParser
		}
		if reply := tagger.rawReply(b, s.fault, source); len(reply) > len(b)+120 {
			t.Errorf("%s: %d bytes are answered with %d", name, len(b), len(reply))
		}
	}
}

func FuzzAnswersToMalformedRequestsAreMessages(f *testing.F) {
	f.Add([]byte(strings.Replace(good, "CSeq: 7", "CSeq: x", 1)))
	for _, b := range torture(f) {
		f.Add(b)
	}
	tagger, source := newTagger(), netip.MustParseAddrPort("192.0.2.1:5060")
	f.Fuzz(func(t *testing.T, b []byte) {
		reply := tagger.rawReply(b, fault{code: faultParser}, source)
		if reply == nil {
			return
		}
		if end, _, bad := scanHeader(reply, 0); bad.found() || end != len(reply) {
			t.Fatalf("%s at %d in an answer of %d bytes: %q", bad.reason(), end, len(reply), reply)
		}
		if !strings.HasPrefix(string(reply), "SIP/2.0 400 ") {
			t.Fatalf("answer %q", reply)
		}
	})
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte(good))
	for _, b := range torture(f) {
		f.Add(b)
	}
	e := New(Options{Access: &rules{}, Sink: &sink{}, Log: quiet(), Handler: func(m sip.Message, c *Conn, _ policy.Peer) {
		if req, ok := m.(*sip.Request); ok {
			_ = fmt.Sprint(sip.NewResponseFromRequest(req, 200, "OK", nil))
		}
	}})
	f.Cleanup(func() { e.Close() })
	u := &udpSocket{edge: e}
	source := netip.MustParseAddr("2001:db8::")
	f.Fuzz(func(t *testing.T, b []byte) {
		s, size := inspectDatagram(b)
		m, fault, _ := parse(e.parser, b[:size], s)
		if s.fault.found() || fault.found() {
			return
		}
		source = source.Next() // each speaks once, so that none is ever too fast
		c := u.to(policy.SideInside, netip.AddrPortFrom(source, 5060), "")
		if e.receive(c, b[:size], s) != fine {
			t.Fatalf("not handed on: %s", m)
		}
	})
}
