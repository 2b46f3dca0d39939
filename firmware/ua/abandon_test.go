package ua

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"tollgate/firmware/siptest"
)

func TestAnAbandonedInviteIsCancelledAndHungUpWhenItIsAnsweredAllTheSame(t *testing.T) {
	tests := map[string]struct {
		closed bool // the call is over meanwhile
		answer int
	}{
		"answered late":                   {false, 200},
		"answered after the call's end":   {true, 200},
		"refused late":                    {false, 486},
		"refused late, the call was over": {true, 486},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var byes atomic.Int32
				near, _, end := pair(t, func(in *Incoming) {
					defer in.Inbox.Close()
					time.Sleep(10 * time.Second)
					if err := in.Respond(in.Inbox, Reply{Status: 180}); err != nil {
						t.Error(err)
					}
					time.Sleep(100 * time.Millisecond)
					if err := in.Respond(in.Inbox, Reply{Status: tt.answer, Contact: "sip:b@192.0.2.2"}); err != nil {
						t.Error(err)
					}
					ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
					defer cancel()
					for {
						e, err := in.Inbox.Next(ctx)
						if err != nil {
							return
						}
						if e.Request != nil && e.Request.Method == sip.BYE {
							byes.Add(1)
							e.Request.Refuse(Reply{Status: 200})
						}
					}
				})
				end.Lose = func(m string) bool { return strings.HasPrefix(m, "CANCEL ") } // it crosses the answer
				end.Far().Lose = func(m string) bool { return strings.HasPrefix(m, "SIP/2.0 100 ") }
				box, out := call(t, near, end, nil)
				time.Sleep(4 * time.Second)
				if out.Heard() {
					t.Error("heard of before anything was sent")
				}
				out.Abandon()
				if tt.closed {
					box.Close()
				} else {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					if e, err := box.Next(ctx); err == nil {
						t.Errorf("an abandoned request reached the call: %+v", e)
					}
				}
				time.Sleep(2 * time.Minute)
				if n := end.Count("CANCEL "); n == 0 {
					t.Error("not cancelled")
				}
				if n := end.Count("ACK "); n != 1 {
					t.Errorf("%d ACKs, want 1", n)
				}
				if hungUp := byes.Load() == 1; hungUp != (tt.answer == 200) {
					t.Errorf("%d BYEs after %d", byes.Load(), tt.answer)
				}
				near.mu.Lock()
				defer near.mu.Unlock()
				if len(near.clients) != 0 {
					t.Errorf("%d transactions are left", len(near.clients))
				}
			})
		})
	}
}

func TestTheNextServerGetsTheSameRequestWithABranchOfItsOwn(t *testing.T) {
	req, err := invite().Request()
	if err != nil {
		t.Fatal(err)
	}
	next := Again(req)
	if branch(next.String()) == branch(req.String()) {
		t.Error("the branch is the same")
	}
	if a, b := withoutBranch(req.String()), withoutBranch(next.String()); a != b {
		t.Errorf("more than the branch differs:\n%s\n%s", a, b)
	}
}

func withoutBranch(m string) string { return strings.ReplaceAll(m, branch(m), "") }

// roomyEnd is a path over UDP that has TCP for what is longer than 1300 bytes.
type roomyEnd struct{ udp, tcp *siptest.End }

func (p roomyEnd) Conn(context.Context) (sip.Connection, error) { return p.udp, nil }
func (p roomyEnd) ConnFor(_ context.Context, size int) (sip.Connection, error) {
	if size > 1300 {
		return tcpConn{p.tcp}, nil
	}
	return p.udp, nil
}

type tcpConn struct{ *siptest.End }

func (c tcpConn) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 40000} }

func TestALongRequestGoesOverTCPAndSaysSo(t *testing.T) {
	tests := map[string]struct {
		padding  int // of the body
		ask      bool
		udp, tcp int // INVITEs by either way
	}{
		"short":                    {0, false, 1, 0},
		"long":                     {1300, false, 0, 1},
		"made long by credentials": {750, true, 1, 1},
		"short with credentials":   {0, true, 2, 0},
		"long from the first on":   {1300, true, 0, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far, udp := pair(t, func(in *Incoming) {
					defer in.Inbox.Close()
					if tt.ask && len(in.GetHeaders("Authorization")) == 0 {
						c := digest.Challenge{Realm: "carrier.example", Nonce: strings.Repeat("n", 80), Algorithm: "SHA-256", QOP: []string{"auth"}}
						in.Refuse(Reply{Status: 401, Headers: []sip.Header{sip.NewHeader("WWW-Authenticate", c.String())}})
						return
					}
					if err := in.Respond(in.Inbox, Reply{Status: 200, Contact: "sip:b@192.0.2.2"}); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Second)
				})
				tcp, _ := siptest.Join(t, near, them, far, us)
				d := invite()
				d.Body = append(d.Body, strings.Repeat("a=x\r\n", tt.padding/5)...)
				req, err := d.Request()
				if err != nil {
					t.Fatal(err)
				}
				box := near.NewInbox()
				defer box.Close()
				out, err := box.Send(t.Context(), req, them, roomyEnd{udp, tcp}, d.Begin(), &Credentials{User: "office", Secret: "right"})
				if err != nil {
					t.Fatal(err)
				}
				_, last := statuses(t, box)
				out.Dialog.Established(last.Response)
				if err := out.Ack(nil); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				if u, c := udp.Count("INVITE "), tcp.Count("INVITE "); u != tt.udp || c != tt.tcp {
					t.Errorf("%d over UDP and %d over TCP, want %d and %d", u, c, tt.udp, tt.tcp)
				}
				for _, m := range tcp.Sent() {
					if !strings.Contains(m, "Via: SIP/2.0/TCP ") {
						t.Errorf("over TCP, and its Via does not say so:\n%s", m)
					}
				}
				for _, m := range udp.Sent() {
					if !strings.Contains(m, "Via: SIP/2.0/UDP ") {
						t.Errorf("over UDP, and its Via does not say so:\n%s", m)
					}
				}
			})
		})
	}
}
