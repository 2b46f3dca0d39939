package ua

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/siptest"
)

// stream is one TCP connection over a wire that outlives it.
type stream struct {
	*siptest.End
	done chan struct{}
	path *streams
	host netip.Addr
}

func (s *stream) Remote() netip.AddrPort { return netip.AddrPortFrom(s.host, 5060) }

func (s *stream) LocalAddr() net.Addr   { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 40000} }
func (s *stream) Done() <-chan struct{} { return s.done }
func (s *stream) WriteMsg(m sip.Message) error {
	if ended(s) {
		return net.ErrClosed
	}
	return s.End.WriteMsg(m)
}

// streams is a path that makes a new stream when the one in use has died. Who is refused gets none.
type streams struct {
	end  *siptest.End
	host netip.Addr

	mu      sync.Mutex
	now     *stream
	made    int
	refused bool
}

func (p *streams) Conn(context.Context) (sip.Connection, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now == nil || ended(p.now) {
		if p.refused {
			return nil, errors.New("connection refused")
		}
		p.now, p.made = &stream{p.end, make(chan struct{}), p, p.host}, p.made+1
	}
	return p.now, nil
}

// die ends the stream in use; refuse has no other made.
func (p *streams) die(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = refuse
	close(p.now.done)
}

// overTCP is a request over a stream to the peer, which loses what lose says.
func overTCP(t *testing.T, d Draft, h Handler, lose func(string) bool) (*Inbox, *Outgoing, *streams) {
	t.Helper()
	near, _, end := pair(t, h)
	end.Lose = lose
	path := &streams{end: end}
	t.Cleanup(func() {
		path.mu.Lock()
		defer path.mu.Unlock()
		if !ended(path.now) {
			close(path.now.done)
		}
	})
	d.Local.Transport = "TCP"
	req, err := d.Request()
	if err != nil {
		t.Fatal(err)
	}
	box := near.NewInbox()
	t.Cleanup(box.Close)
	out, err := box.Send(t.Context(), req, them, path, d.Begin(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return box, out, path
}

// loseFirst loses the first message that begins with prefix.
func loseFirst(prefix string) func(string) bool {
	lost := false
	return func(m string) bool {
		if lost || !strings.HasPrefix(m, prefix) {
			return false
		}
		lost = true
		return true
	}
}

func options() Draft {
	d := invite()
	d.Method, d.Body = sip.OPTIONS, nil
	return d
}

func TestARequestWhoseStreamDiesIsSentOnceMoreOverANewOne(t *testing.T) {
	for name, d := range map[string]Draft{"OPTIONS": options(), "INVITE": invite()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box, _, path := overTCP(t, d, func(in *Incoming) { in.Refuse(Reply{Status: 486}) }, loseFirst(name))
				settled()
				began := time.Now()
				path.die(false)
				e, err := box.Next(t.Context())
				if err != nil || e.Response == nil || e.Response.StatusCode != 486 {
					t.Fatalf("got %+v, %v", e, err)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("took %v", took)
				}
				var sent []string
				for _, m := range path.end.Sent() {
					if strings.HasPrefix(m, name) {
						sent = append(sent, m)
					}
				}
				if len(sent) != 2 || path.made != 2 {
					t.Fatalf("sent %d times over %d streams, want twice over two", len(sent), path.made)
				}
				if branch(sent[0]) == branch(sent[1]) || withoutBranch(sent[0]) != withoutBranch(sent[1]) {
					t.Errorf("more or less than the branch differs:\n%s\n%s", sent[0], sent[1])
				}
			})
		})
	}
}

func TestARequestWhoseStreamCannotBeReplacedFailsAtOnce(t *testing.T) {
	tests := map[string]struct {
		refuse bool
		deaths int
		sent   int
	}{
		"no new stream":           {true, 1, 1},
		"the new stream dies too": {false, 2, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box, _, path := overTCP(t, options(), func(*Incoming) {}, func(string) bool { return true })
				began := time.Now()
				go func() {
					for range tt.deaths {
						settled()
						path.die(tt.refuse)
					}
				}()
				e, err := box.Next(t.Context())
				if err != nil || !errors.Is(e.Err, sip.ErrTransactionTransport) || Explain(e.Err) != "it closed the connection" {
					t.Errorf("got %+v, %v", e, err)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("took %v", took)
				}
				time.Sleep(time.Minute)
				if n := path.end.Count("OPTIONS"); n != tt.sent {
					t.Errorf("sent %d times, want %d", n, tt.sent)
				}
			})
		})
	}
}

func TestAnAnswerThatCameBeforeTheStreamDiedCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, _, path := overTCP(t, options(), func(in *Incoming) { in.Refuse(Reply{Status: 200}) }, nil)
		settled() // the answer waits in the mailbox
		path.die(false)
		settled()
		e, err := box.Next(t.Context())
		if err != nil || e.Response == nil || e.Response.StatusCode != 200 {
			t.Errorf("got %+v, %v", e, err)
		}
		time.Sleep(time.Minute)
		if n := path.end.Count("OPTIONS"); n != 1 {
			t.Errorf("sent %d times, want once", n)
		}
	})
}

func TestAnInviteThatRingsOutlivesItsStream(t *testing.T) {
	tests := map[string]bool{"answered over another": false, "cancelled over a new one": true}
	for name, cancel := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box, out, path := overTCP(t, invite(), func(in *Incoming) {
					defer in.Inbox.Close()
					if err := in.Respond(in.Inbox, Reply{Status: 180}); err != nil {
						t.Error(err)
					}
					time.Sleep(10 * time.Second)
					if !cancel {
						if err := in.Respond(in.Inbox, Reply{Status: 200, Contact: "sip:b@192.0.2.2"}); err != nil {
							t.Error(err)
						}
						time.Sleep(time.Second)
					}
				}, nil)
				if e, err := box.Next(t.Context()); err != nil || e.Response == nil || e.Response.StatusCode != 180 {
					t.Fatalf("got %+v, %v", e, err)
				}
				path.die(false)
				settled()
				want := 200
				if cancel {
					out.Cancel()
					want = 487
				}
				e, err := box.Next(t.Context())
				if err != nil || e.Response == nil || e.Response.StatusCode != want {
					t.Fatalf("got %+v, %v, want %d", e, err, want)
				}
				if !cancel {
					out.Dialog.Established(e.Response)
					if err := out.Ack(nil); err != nil {
						t.Error(err)
					}
				}
				time.Sleep(time.Minute)
				if n := path.end.Count("INVITE"); n != 1 {
					t.Errorf("%d INVITEs, want 1", n)
				}
				if n := path.end.Count("ACK"); n == 0 {
					t.Error("the answer was not acknowledged")
				}
			})
		})
	}
}

func TestAByeWhoseStreamDiesIsSentOnceMoreAfterTheCallIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := invite()
		d.Method, d.Body = sip.BYE, nil
		box, _, path := overTCP(t, d, func(in *Incoming) { in.Refuse(Reply{Status: 200}) }, loseFirst("BYE"))
		box.Close()
		settled()
		path.die(false)
		time.Sleep(time.Minute)
		if n := path.end.Count("BYE"); n != 2 {
			t.Errorf("sent %d times, want twice", n)
		}
	})
}

func TestAnAbandonedInviteIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _, end := pair(t, func(*Incoming) {})
		end.Lose = func(string) bool { return true }
		_, out := call(t, near, end, nil)
		time.Sleep(5 * time.Second)
		before := end.Count("INVITE")
		out.Abandon()
		time.Sleep(2 * time.Minute)
		if after := end.Count("INVITE"); before != 4 || after != before {
			t.Errorf("%d INVITEs before and %d after it was given up, want 4 and no more", before, after)
		}
		near.mu.Lock()
		defer near.mu.Unlock()
		if len(near.clients) != 0 {
			t.Errorf("%d transactions are left", len(near.clients))
		}
	})
}

func TestAFinalAnswerWhoseStreamHasEndedGoesByANewOneToTheSameHost(t *testing.T) {
	tests := map[string]struct {
		status int
		other  bool // the path leads to another host
		want   int
	}{
		"accepted":                  {200, false, 1},
		"refused":                   {486, false, 1},
		"only another host is left": {200, true, 0},
		"ringing":                   {180, false, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				core := New(func(in *Incoming) {
					defer in.Inbox.Close()
					path := in.Conn.(*stream).path
					Back(in, path)
					path.die(false)
					if tt.other {
						path.host = netip.MustParseAddr("203.0.113.99")
					}
					if err := in.Respond(in.Inbox, Reply{Status: tt.status, Contact: "sip:a@192.0.2.1"}); (err != nil) != (tt.status == 180) {
						t.Errorf("answering %d: %v", tt.status, err)
					}
					settled()
				}, slog.New(slog.DiscardHandler))
				far := New(nil, slog.New(slog.DiscardHandler))
				end, _ := siptest.Join(t, core, them, far, us)
				path := &streams{end: end, host: netip.MustParseAddr("203.0.113.7")}
				conn, err := path.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				d := invite()
				d.Local.Transport = "TCP"
				req, err := d.Request()
				if err != nil {
					t.Fatal(err)
				}
				core.Receive(req, conn, them)
				time.Sleep(time.Second)
				if n := end.Count("SIP/2.0 " + strconv.Itoa(tt.status)); n != tt.want {
					t.Errorf("sent %d times, want %d", n, tt.want)
				}
			})
		})
	}
}
