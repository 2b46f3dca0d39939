package ua

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"tollgate/firmware/policy"
	"tollgate/firmware/siptest"
)

// call sends an INVITE from near and returns its mailbox.
func call(t *testing.T, near *Core, end *siptest.End, credentials *Credentials) (*Inbox, *Outgoing) {
	t.Helper()
	d := invite()
	req, err := d.Request()
	if err != nil {
		t.Fatal(err)
	}
	box := near.NewInbox()
	dialog := d.Begin()
	box.Attach(d.CallID, d.FromTag, them)
	out, err := box.Send(t.Context(), req, them, end, dialog, credentials)
	if err != nil {
		t.Fatal(err)
	}
	return box, out
}

// statuses reads the responses up to the final one.
func statuses(t *testing.T, box *Inbox) (got []int, last Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		e, err := box.Next(ctx)
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		if e.Err != nil {
			return got, e
		}
		if e.Response != nil {
			got = append(got, e.Response.StatusCode)
			if !e.Response.IsProvisional() {
				return got, e
			}
		}
	}
}

func TestNoRingingIsLostWhenTheAnswerFollowsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _, end := pair(t, func(in *Incoming) {
			defer in.Inbox.Close()
			for _, status := range []int{180, 183, 200} {
				if err := in.Respond(in.Inbox, Reply{Status: status, Contact: "sip:b@192.0.2.2"}); err != nil {
					t.Error(err)
				}
			}
			for { // to the ACK
				if e, err := in.Inbox.Next(context.Background()); err != nil || e.Request != nil && e.Request.IsAck() {
					return
				}
			}
		})
		for i := range 500 {
			box, out := call(t, near, end, nil)
			got, last := statuses(t, box)
			if !slices.Equal(got, []int{180, 183, 200}) {
				t.Fatalf("call %d: responses %v, want 180 183 200 in this order", i, got)
			}
			out.Dialog.Established(last.Response)
			if err := out.Ack(nil); err != nil {
				t.Fatal(err)
			}
			box.Close()
		}
		time.Sleep(time.Minute) // the transactions run out
	})
}

func TestAnAnswerIsRepeatedUntilItIsAcknowledged(t *testing.T) {
	tests := map[string]struct {
		ack     bool
		answers int // 200s on the wire
		err     error
	}{
		// T1 doubling to T2 within 64*T1: 0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5 s
		"never acknowledged": {ack: false, answers: 11, err: ErrNoAck},
		"acknowledged":       {ack: true, answers: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan error, 1)
				near, _, end := pair(t, func(in *Incoming) {
					defer in.Inbox.Close()
					if err := in.Respond(in.Inbox, Reply{Status: 200, Contact: "sip:b@192.0.2.2"}); err != nil {
						t.Error(err)
					}
					ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
					defer cancel()
					var e Event
					for e.Err == nil {
						next, err := in.Inbox.Next(ctx)
						if err != nil {
							break
						}
						e = next
					}
					ended <- e.Err
				})
				box, out := call(t, near, end, nil)
				_, last := statuses(t, box)
				if tt.ack {
					out.Dialog.Established(last.Response)
					if err := out.Ack(nil); err != nil {
						t.Fatal(err)
					}
				}
				if err := <-ended; !errors.Is(err, tt.err) {
					t.Errorf("the answering side ended with %v, want %v", err, tt.err)
				}
				if got := end.Far().Count("SIP/2.0 200"); got != tt.answers {
					t.Errorf("%d answers on the wire, want %d", got, tt.answers)
				}
				box.Close()
				time.Sleep(time.Minute)
			})
		})
	}
}

func TestARepeatedAnswerIsAcknowledgedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _, end := pair(t, func(in *Incoming) {
			if err := in.Respond(in.Inbox, Reply{Status: 200, Contact: "sip:b@192.0.2.2"}); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
			in.Inbox.Close()
		})
		acks := 0
		end.Lose = func(m string) bool {
			if strings.HasPrefix(m, "ACK ") {
				acks++
				return acks < 3
			}
			return false
		}
		box, out := call(t, near, end, nil)
		_, last := statuses(t, box)
		out.Dialog.Established(last.Response)
		if err := out.Ack(nil); err != nil {
			t.Fatal(err)
		}
		if _, err := box.Next(must(context.WithTimeout(t.Context(), 5*time.Second))); err == nil {
			t.Error("a repeated 200 reached the call")
		}
		if n := end.Count("ACK "); n < 2 {
			t.Errorf("%d ACKs sent although the first was lost, want more", n)
		}
		box.Close()
		time.Sleep(2 * time.Minute)
	})
}

func must(ctx context.Context, _ context.CancelFunc) context.Context { return ctx }

func TestACancelWaitsForTheFirstProvisionalResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _, end := pair(t, func(in *Incoming) {
			defer in.Inbox.Close()
			time.Sleep(100 * time.Millisecond)
			if err := in.Respond(in.Inbox, Reply{Status: 180}); err != nil {
				t.Error(err)
			}
			e, err := in.Inbox.Next(context.Background())
			if err != nil || e.Cancelled != in {
				t.Errorf("got %+v, %v; want the INVITE cancelled", e, err)
			}
		})
		box, out := call(t, near, end, nil)
		out.Cancel()
		time.Sleep(50 * time.Millisecond)
		if n := end.Count("CANCEL "); n != 0 {
			t.Errorf("%d CANCELs before any response (RFC 3261 §9.1), want none", n)
		}
		got, _ := statuses(t, box)
		if !slices.Equal(got, []int{180, 487}) {
			t.Errorf("responses %v, want 180 487", got)
		}
		settled()
		if n := end.Far().Count("SIP/2.0 487"); n != 1 {
			t.Errorf("487 sent %d times: it was not acknowledged", n)
		}
		invite, cancel := end.Last("INVITE "), end.Last("CANCEL ")
		if branch(invite) != branch(cancel) {
			t.Errorf("CANCEL has branch %s, the INVITE %s", branch(cancel), branch(invite))
		}
		box.Close()
		time.Sleep(time.Minute)
	})
}

func branch(m string) string {
	_, rest, _ := strings.Cut(m, "branch=")
	b, _, _ := strings.Cut(rest, "\r\n")
	return b
}

func TestASilentPeerEndsInATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _, end := pair(t, nil)
		end.Lose = func(string) bool { return true }
		box, _ := call(t, near, end, nil)
		start := time.Now()
		_, last := statuses(t, box)
		if !errors.Is(last.Err, sip.ErrTransactionTimeout) {
			t.Errorf("ended with %v, want a timeout", last.Err)
		}
		if took := time.Since(start); took != 64*sip.T1 {
			t.Errorf("gave up after %v, want 64*T1", took)
		}
		box.Close()
	})
}

func TestALostConnectionIsToldAtOnce(t *testing.T) {
	near, _, end := pair(t, nil)
	end.Dead = true
	d := invite()
	req, _ := d.Request()
	box := near.NewInbox()
	defer box.Close()
	if _, err := box.Send(t.Context(), req, them, end, d.Begin(), nil); err == nil {
		t.Error("no error although nothing can be sent")
	}
}

func TestAChallengeIsAnsweredOnceWithTheStrongestAlgorithm(t *testing.T) {
	challenge := func(algorithm string, stale bool) sip.Header {
		c := digest.Challenge{Realm: "carrier.example", Nonce: "n" + algorithm, Algorithm: algorithm, QOP: []string{"auth"}, Stale: stale}
		return sip.NewHeader("Proxy-Authenticate", c.String())
	}
	tests := map[string]struct {
		offered   []sip.Header
		secret    policy.Secret
		status    int
		algorithm string
	}{
		"SHA-256 before MD5": {[]sip.Header{challenge("MD5", false), challenge("SHA-256", false)}, "right", 200, "SHA-256"},
		"MD5 alone":          {[]sip.Header{challenge("MD5", false)}, "right", 200, "MD5"},
		"wrong secret":       {[]sip.Header{challenge("MD5", false)}, "wrong", 407, "MD5"},
		"nothing we know":    {[]sip.Header{challenge("TOY", false)}, "right", 407, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, _, end := pair(t, func(in *Incoming) {
					defer in.Inbox.Close()
					status := 407
					if h := in.GetHeaders("Proxy-Authorization"); len(h) > 0 && correct(t, in, h[0].Value()) {
						status = 200
					}
					r := Reply{Status: status}
					if status == 407 {
						r.Headers = tt.offered
					}
					if err := in.Respond(in.Inbox, r); err != nil {
						t.Error(err)
					}
				})
				box, out := call(t, near, end, &Credentials{User: "office", Secret: tt.secret})
				got, _ := statuses(t, box)
				if want := []int{tt.status}; !slices.Equal(got, want) {
					t.Errorf("the call saw %v, want %v: a challenge is not its business", got, want)
				}
				sent := end.Last("INVITE ")
				if tt.algorithm != "" && !strings.Contains(sent, "algorithm="+tt.algorithm+",") {
					t.Errorf("not answered with %s:\n%s", tt.algorithm, sent)
				}
				if strings.Contains(sent, string(tt.secret)) {
					t.Error("the secret itself was sent")
				}
				if n := end.Count("INVITE "); tt.algorithm != "" && n != 2 {
					t.Errorf("%d INVITEs, want the first and one with credentials", n)
				}
				if out.Dialog.LocalSeq != out.Request().CSeq().SeqNo {
					t.Errorf("dialog counts %d, request %d", out.Dialog.LocalSeq, out.Request().CSeq().SeqNo)
				}
				box.Close()
				time.Sleep(time.Minute)
			})
		})
	}
}

func TestAChallengeOverAStreamIsNoFailure(t *testing.T) {
	// Without retransmissions to wait for, a transaction ends with its final response (RFC 3261 §17.1.2.2).
	near, _, end := pair(t, func(in *Incoming) {
		c := digest.Challenge{Realm: "carrier.example", Nonce: "n", Algorithm: "MD5", QOP: []string{"auth"}}
		r := Reply{Status: 401, Headers: []sip.Header{sip.NewHeader("WWW-Authenticate", c.String())}}
		if len(in.GetHeaders("Authorization")) > 0 {
			r = Reply{Status: 200}
		}
		in.Refuse(r)
	})
	for range 50 {
		d := invite()
		d.Method, d.Body, d.Local.Transport = sip.REGISTER, nil, "TCP"
		req, err := d.Request()
		if err != nil {
			t.Fatal(err)
		}
		res, err := near.Do(t.Context(), req, them, end, &Credentials{User: "office", Secret: "right"})
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("got %v, %v; want 200", res, err)
		}
	}
}

func correct(t *testing.T, in *Incoming, header string) bool {
	t.Helper()
	got, err := digest.ParseCredentials(header)
	if err != nil {
		t.Fatal(err)
	}
	want, err := digest.Digest(&digest.Challenge{
		Realm: got.Realm, Nonce: got.Nonce, Algorithm: got.Algorithm, QOP: []string{"auth"},
	}, digest.Options{Method: string(in.Method), URI: in.Recipient.String(), Count: got.Nc, Cnonce: got.Cnonce, Username: "office", Password: "right"})
	if err != nil {
		t.Fatal(err)
	}
	return got.Response == want.Response && got.URI == in.Recipient.String()
}

func TestRequestsReachOnlyTheDialogOfTheirOwnPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far, end := pair(t, nil)
		box := far.NewInbox()
		box.Attach("call-1", "tag-1", us)
		d := &Dialog{Local: local, CallID: "call-1", LocalTag: "x", RemoteTag: "tag-1", LocalURI: "sip:a@192.0.2.1",
			RemoteURI: "sip:b@192.0.2.2", RemoteTarget: "sip:b@192.0.2.2"}
		stranger := *d
		stranger.RemoteTag = "tag-2"
		send := func(d *Dialog, from policy.Peer) int {
			end.Far().Peer = from
			res, err := near.Do(t.Context(), d.Request(sip.BYE), them, end, nil)
			if err != nil {
				t.Fatal(err)
			}
			return res.StatusCode
		}
		if got := send(&stranger, us); got != 481 {
			t.Errorf("unknown tag: %d, want 481", got)
		}
		if got := send(d, policy.Peer{Side: policy.SideOutside, Name: "another"}); got != 481 {
			t.Errorf("another peer's BYE: %d, want 481", got)
		}
		go func() {
			e, _ := box.Next(context.Background())
			e.Request.Refuse(Reply{Status: 200})
		}()
		if got := send(d, us); got != 200 {
			t.Errorf("the peer's own BYE: %d, want 200", got)
		}
		box.Close()
		if got := send(d, us); got != 481 {
			t.Errorf("after the end of the call: %d, want 481", got)
		}
		time.Sleep(time.Minute)
	})
}

func TestASecondBranchOfAForkIsHungUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _, end := pair(t, func(in *Incoming) {
			defer in.Inbox.Close()
			if in.Method == sip.BYE {
				in.Refuse(Reply{Status: 200})
				return
			}
			if err := in.Respond(in.Inbox, Reply{Status: 200, Contact: "sip:b1@192.0.2.2"}); err != nil {
				t.Error(err)
			}
			time.Sleep(100 * time.Millisecond)
			other := in.response(Reply{Status: 200, Contact: "sip:b2@192.0.2.2"})
			other.To().Params.Add("tag", "second")
			in.core.write(in.Conn, other)
			time.Sleep(time.Second)
		})
		box, out := call(t, near, end, nil)
		_, last := statuses(t, box)
		out.Dialog.Established(last.Response)
		if err := out.Ack(nil); err != nil {
			t.Fatal(err)
		}
		if e, err := box.Next(must(context.WithTimeout(t.Context(), time.Second))); err == nil {
			t.Errorf("the second branch reached the call: %+v", e)
		}
		if bye := end.Last("BYE "); !strings.HasPrefix(bye, "BYE sip:b2@192.0.2.2 ") || !strings.Contains(bye, "tag=second") {
			t.Errorf("the second branch was not hung up: %q", bye)
		}
		box.Close()
		time.Sleep(2 * time.Minute)
	})
}

func TestAFullMailboxRefusesInsteadOfStalling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far, end := pair(t, nil)
		box := far.NewInbox()
		box.Attach("call-1", "tag-1", us)
		for range inboxSize {
			box.Post(struct{}{})
		}
		d := &Dialog{Local: local, CallID: "call-1", LocalTag: "x", RemoteTag: "tag-1", LocalURI: "sip:a@192.0.2.1",
			RemoteURI: "sip:b@192.0.2.2", RemoteTarget: "sip:b@192.0.2.2"}
		res, err := near.Do(t.Context(), d.Request(sip.OPTIONS), them, end, nil)
		if err != nil || res.StatusCode != 503 {
			t.Errorf("got %v, %v; want 503", res, err)
		}
		box.Close()
		time.Sleep(time.Minute)
	})
}

func TestReliableRingingIsRepeatedUntilItIsAcknowledged(t *testing.T) {
	tests := map[string]struct {
		prack bool
		rings int // 180s on the wire: 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s (RFC 3262 §3)
		err   error
	}{
		"never acknowledged": {prack: false, rings: 7, err: ErrNoPrack},
		"acknowledged":       {prack: true, rings: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan error, 1)
				near, _, end := pair(t, func(in *Incoming) {
					defer in.Inbox.Close()
					if err := in.RespondReliably(in.Inbox, Reply{Status: 180, Contact: "sip:b@192.0.2.2"}); err != nil {
						t.Error(err)
					}
					ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
					defer cancel()
					e, _ := in.Inbox.Next(ctx)
					ended <- e.Err
					in.answer(Reply{Status: 486})
				})
				box, out := call(t, near, end, nil)
				e, err := box.Next(t.Context())
				if err != nil || e.Response.StatusCode != 180 {
					t.Fatalf("%+v, %v", e, err)
				}
				if tt.prack {
					rseq, ok := RSeq(e.Response)
					if !ok {
						t.Fatalf("no RSeq:\n%s", e.Response)
					}
					out.Dialog.Established(e.Response)
					for _, try := range []struct {
						rseq uint32
						want int
					}{{rseq + 1, 481}, {rseq, 200}, {rseq, 481}} {
						if _, err := box.Send(t.Context(), out.Dialog.Prack(try.rseq, 1), them, end, out.Dialog, nil); err != nil {
							t.Fatal(err)
						}
						if e, _ := box.Next(t.Context()); e.Response.StatusCode != try.want {
							t.Errorf("PRACK for %d (sent: %d) got %d, want %d", try.rseq, rseq, e.Response.StatusCode, try.want)
						}
					}
				}
				if err := <-ended; !errors.Is(err, tt.err) {
					t.Errorf("ended with %v, want %v", err, tt.err)
				}
				if got := end.Far().Count("SIP/2.0 180"); got != tt.rings {
					t.Errorf("%d 180s on the wire, want %d", got, tt.rings)
				}
				box.Close()
				time.Sleep(2 * time.Minute)
			})
		})
	}
}
