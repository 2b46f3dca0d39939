package media

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/dtls/v3"

	"tollgate/firmware/policy"
)

// handshaker is the peer's end of a handshake: pion/dtls on its socket, with a certificate of its own.
type handshaker struct {
	*peer
	own    identity
	active bool
	shown  Fingerprint // of the certificate that the box showed
	failed chan error  // what the box says of the handshake
}

// unclosed keeps a socket open when the handshake on it is over.
type unclosed struct{ *net.UDPConn }

func (unclosed) Close() error { return nil }

// newDTLSCall sets up a call whose outside leg has its keys from a handshake that is still to come.
func newDTLSCall(t *testing.T, active bool) (*call, *handshaker) {
	t.Helper()
	c := newCall(t, plainRTP, plainRTP)
	own, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return c, &handshaker{peer: c.b, own: own, active: active, failed: make(chan error, 8)}
}

// terms are what signalling would tell the box.
func (h *handshaker) terms(suites ...policy.Suite) *DTLS {
	return &DTLS{
		Active: !h.active, Fingerprints: []Fingerprint{h.own.fingerprint}, Suites: suites,
		Failed: func(err error) { h.failed <- err },
	}
}

func (h *handshaker) agree(d *DTLS, change ...func(*Params)) {
	h.t.Helper()
	h.set(append([]func(*Params){func(p *Params) { p.DTLS = d }}, change...)...)
}

// shake shakes hands on a socket and returns the keys, as the peer sends and receives with them.
func (h *handshaker) shake(conn *net.UDPConn, to netip.AddrPort, suites ...policy.Suite) (send, receive Keys, err error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	conn.SetReadDeadline(time.Time{}) // of a read before
	terms := &DTLS{Suites: suites, Fingerprints: []Fingerprint{h.leg.Fingerprint()}}
	options := append(terms.config(h.own), dtls.WithVerifyPeerCertificate(func(raw [][]byte, _ [][]*x509.Certificate) error {
		h.shown = sha256.Sum256(raw[0])
		return nil
	}))
	var c *dtls.Conn
	if h.active {
		var client []dtls.ClientOption
		for _, o := range options {
			client = append(client, o)
		}
		c, err = dtls.ClientWithOptions(unclosed{conn}, net.UDPAddrFromAddrPort(to), client...)
	} else {
		authorities := x509.NewCertPool() // telephones exist that name their own certificate, which has not signed ours
		authorities.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.own.certificate.Certificate[0]}))
		server := []dtls.ServerOption{dtls.WithClientAuth(dtls.RequireAnyClientCert), dtls.WithClientCAs(authorities)}
		for _, o := range options {
			server = append(server, o)
		}
		c, err = dtls.ServerWithOptions(unclosed{conn}, net.UDPAddrFromAddrPort(to), server...)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	defer c.Close()
	if err := c.HandshakeContext(ctx); err != nil {
		return send, receive, err
	}
	if conn == h.rtcp {
		h.awaitKeys(h.leg.half.rtcp)
	} else {
		h.awaitKeys(h.leg.half.rtp)
	}
	return agreed(c, h.active)
}

// awaitKeys waits until the box has keys too: a good-bye of the peer would end its handshake one step before that.
func (h *handshaker) awaitKeys(f *flow) {
	h.t.Helper()
	pending := true
	for end := time.Now().Add(patience); pending; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("the box has no keys: %+v", h.leg.Stats())
		}
		f.do(func() { pending = f.pending })
	}
}

// drain drops what is left of a handshake on a socket.
func drain(t testing.TB, conn *net.UDPConn) {
	t.Helper()
	for {
		if _, _, ok := read(t, conn, quiet); !ok {
			return
		}
	}
}

// meet shakes hands and takes the keys into use.
func (h *handshaker) meet(suites ...policy.Suite) {
	h.t.Helper()
	send, receive, err := h.shake(h.rtp, h.boxRTP(), suites...)
	if err != nil {
		h.t.Fatal(err)
	}
	h.encrypt, h.decrypt = pionContext(h.t, send), pionContext(h.t, receive)
	drain(h.t, h.rtp)
}

func TestAHandshakeMakesTheKeysOfALeg(t *testing.T) {
	for suite := range profiles {
		for _, active := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, the peer begins: %v", suite, active), func(t *testing.T) {
				t.Parallel()
				call, h := newDTLSCall(t, active)
				h.agree(h.terms(policy.SuiteAES256CMSHA180, suite), func(p *Params) { p.Mux = true })
				h.meet(suite)
				if h.shown != h.leg.Fingerprint() {
					t.Error("the box shows another certificate than the one it tells of")
				}
				call.converse(5)
				relayReport(t, h.peer, true, call.a, false)
				relayReport(t, call.a, false, h.peer, true)
				if s := h.leg.Stats(); s.Suite != suite || !s.Encrypted || !s.Handshakes || s.AuthFailures+s.Replays != 0 {
					t.Errorf("%+v", s)
				}
				h.agree(h.terms(suite), func(p *Params) { p.Mux = true }) // a session refresh
				h.agree(h.terms(suite), func(p *Params) {
					p.Mux, p.Hold = true, true
					p.Remote, p.RemoteRTCP = netip.AddrPort{}, netip.AddrPort{}
				})
				h.agree(h.terms(suite), func(p *Params) { p.Mux = true })
				call.converse(5)
			})
		}
	}
}

func TestRTCPOnItsOwnPortHasAHandshakeOfItsOwn(t *testing.T) {
	call, h := newDTLSCall(t, true)
	h.agree(h.terms(aesCM))
	h.meet(aesCM)
	control := *h
	peer := *h.peer
	control.peer = &peer
	send, receive, err := control.shake(h.rtcp, h.boxRTCP(), aesCM)
	if err != nil {
		t.Fatal(err)
	}
	drain(t, h.rtcp)
	control.encrypt, control.decrypt = pionContext(t, send), pionContext(t, receive)
	call.converse(3)
	relayReport(t, control.peer, false, call.a, false)
	relayReport(t, call.a, false, control.peer, false)
}

func TestNothingPassesBeforeTheKeysAreMade(t *testing.T) {
	call, h := newDTLSCall(t, true)
	h.agree(h.terms(aesCM))
	call.a.talk([]byte("to the peer"))
	h.hearsNothing()
	h.talk([]byte("in the clear"))
	call.stats(Callee, "clear audio was taken", func(s LegStats) bool { return s.Early == 1 && s.AuthFailures == 0 && s.PacketsIn == 0 && s.Encrypted })
	call.a.hearsNothing()
	h.meet(aesCM)
	call.converse(3)
}

func TestACertificateThatSignallingDoesNotNameEndsTheHandshake(t *testing.T) {
	for _, active := range []bool{true, false} {
		t.Run(fmt.Sprintf("the peer begins: %v", active), func(t *testing.T) {
			t.Parallel()
			call, h := newDTLSCall(t, active)
			terms := h.terms(aesCM)
			terms.Fingerprints = []Fingerprint{{1}, {2}}
			h.agree(terms)
			_, _, err := h.shake(h.rtp, h.boxRTP(), aesCM)
			if err == nil {
				t.Error("the handshake succeeds")
			}
			select {
			case err := <-h.failed:
				if !strings.Contains(err.Error(), "not the one that the signalling names") {
					t.Errorf("the box says %v", err)
				}
			case <-time.After(patience):
				t.Fatal("the box says nothing")
			}
			call.a.talk([]byte("x"))
			h.hearsNothing()
		})
	}
}

func TestHandshakesFromStrangersAreIgnored(t *testing.T) {
	call, h := newDTLSCall(t, true)
	h.agree(h.terms(aesCM))
	stranger := listen(t, "127.0.2.66")
	write(t, stranger, h.boxRTP(), append([]byte{22, 254, 253}, make([]byte, 60)...))
	call.stats(Callee, "not counted", func(s LegStats) bool { return s.Strangers == 1 })
	silent(t, stranger, "a stranger")
	h.meet(aesCM) // from the peer's address, and another port than the one it named
	call.converse(2)
}

func TestAHandshakeFromAnotherPortOfThePeerMovesTheMedia(t *testing.T) {
	call, h := newDTLSCall(t, true)
	h.agree(h.terms(aesCM))
	h.rtp = listen(t, "127.0.2.9")
	h.meet(aesCM)
	call.converse(3)
}

func TestAnotherCertificateMakesAnotherHandshake(t *testing.T) {
	call, h := newDTLSCall(t, true)
	h.agree(h.terms(aesCM))
	h.meet(aesCM)
	call.converse(3)
	old := *h.peer
	var err error
	if h.own, err = newIdentity(); err != nil {
		t.Fatal(err)
	}
	h.agree(h.terms(gcm))
	if s := h.leg.Stats(); s.Suite != "" || !s.Encrypted || !s.Handshakes {
		t.Errorf("between two handshakes the leg shows %+v", s)
	}
	old.talk([]byte("on its way"))
	call.a.hears([]byte("on its way"))
	h.meet(gcm)
	call.converse(3)
	h.encrypt, h.decrypt = nil, nil
	h.theirs, h.ours = testKeys(aesCM, "signalled to peer"), testKeys(aesCM, "signalled to box")
	h.encrypt, h.decrypt = pionContext(t, *h.theirs), pionContext(t, *h.ours)
	h.set()
	call.converse(3)
}

// A telephone that says in a later answer that it begins the handshake may mean it, or may go on as before.
func TestAnotherRoleLeavesTheKeysUntilOthersAreMade(t *testing.T) {
	for _, first := range []bool{true, false} {
		t.Run(fmt.Sprintf("the peer began: %v", first), func(t *testing.T) {
			t.Parallel()
			call, h := newDTLSCall(t, first)
			h.agree(h.terms(aesCM))
			h.meet(aesCM)
			h.active = !first
			h.agree(h.terms(aesCM, gcm))
			h.talk([]byte("with the keys it has"))
			call.a.hears([]byte("with the keys it has"))
			before := *h.peer
			h.meet(gcm)
			before.talk([]byte("on its way"))
			call.a.hears([]byte("on its way"))
			call.converse(3)
			if s := h.leg.Stats(); s.Suite != gcm {
				t.Errorf("after another handshake the leg shows %+v", s)
			}
		})
	}
}

func TestALegKeepsItsHandshakeInAnotherSession(t *testing.T) {
	first, h := newDTLSCall(t, true)
	h.agree(h.terms(gcm))
	other := openSession(t, first.relay)
	third := newPeer(t, other.Leg(Caller), "127.0.1.8", plainRTP)
	third.set()
	if err := first.relay.Exchange(first.Session, Callee, other, Callee); err != nil {
		t.Fatal(err)
	}
	h.meet(gcm)
	h.talk([]byte("to the third"))
	third.hears([]byte("to the third"))
	third.talk([]byte("back"))
	h.hears([]byte("back"))
}

func TestTermsThatCannotBeMetAreRefused(t *testing.T) {
	call, h := newDTLSCall(t, true)
	key := testKeys(aesCM, "k")
	for name, p := range map[string]Params{
		"no fingerprint":      {DTLS: &DTLS{Suites: []policy.Suite{aesCM}}},
		"no suite":            {DTLS: &DTLS{Fingerprints: []Fingerprint{{}}, Suites: []policy.Suite{policy.SuiteAES256CMSHA180}}},
		"keys twice":          {DTLS: h.terms(aesCM), Send: key, Receive: testKeys(aesCM, "l")},
		"keys one way beside": {DTLS: h.terms(aesCM), Send: key},
	} {
		if err := h.leg.Set(p); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	call.converse(2) // as before
}

func TestAnAssociationThatEndsLeavesTheKeys(t *testing.T) {
	call, h := newDTLSCall(t, false)
	h.agree(h.terms(aesCM))
	h.meet(aesCM) // which closes the peer's end, with a close_notify
	select {
	case err := <-h.failed:
		t.Errorf("the box says %v", err)
	case <-time.After(quiet):
	}
	call.converse(5)
	call.Close()
	if err := h.leg.Set(Params{DTLS: h.terms(aesCM)}); !errors.Is(err, ErrClosed) {
		t.Errorf("Set after Close: %v", err)
	}
}
