package call

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/event"
	keeping "tollgate/firmware/live"
	"tollgate/firmware/media"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/ua"
)

// lasting makes the scene's box one that keeps its calls.
func (s *scene) lasting() *keeping.Folder {
	s.t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "calls")
	if err != nil {
		s.t.Skipf("there is no memory file system: %v", err)
	}
	s.t.Cleanup(func() { os.RemoveAll(dir) })
	folder, err := keeping.Open(filepath.Join(dir, "calls"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.desk.o.Records, s.desk.o.Sessions, s.desk.o.Core = folder, s.relay, s.wires.to.Load()
	if n, err := s.desk.TakeUp(time.Now()); n != 0 || err != nil {
		s.t.Fatalf("%d calls of an earlier process, %v", n, err)
	}
	s.t.Cleanup(func() { s.desk.Forget() })
	return folder
}

// kill ends the process: nothing of it is heard any more. Another one begins with what was kept, away later.
func (s *scene) kill(folder *keeping.Folder, away time.Duration) (taken int) {
	s.t.Helper()
	if s.desk.keeper.stop != nil {
		s.desk.keeper.end()
	}
	s.relay.Close()
	log := slog.New(slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	relay, err := media.New(s.holes, log)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(relay.Close)
	s.relay, s.gate = relay, admission.New(s.policy)
	s.gate.SetFollower(s.follower)
	s.ports(30000, 30999)
	plan, err := numbering.For(s.policy.Site.Country)
	if err != nil {
		s.t.Fatal(err)
	}
	var desk *Desk
	core := ua.New(func(in *ua.Incoming) { desk.Handle(in) }, log)
	desk = NewDesk(Options{Parties: s, Relay: relay, Gate: s.gate, Sink: s.facts, Records: folder, Sessions: relay, Core: core, Log: log})
	desk.Set(Settings{Plan: plan, Routes: route.New(s.policy, time.UTC), OutsidePrefix: s.policy.PBX.OutsidePrefix})
	s.desk = desk
	s.wires.to.Store(core)
	if taken, err = desk.TakeUp(time.Now().Add(away)); err != nil {
		s.t.Fatal(err)
	}
	return taken
}

// halt ends the writing; what has happened until now is written down.
func (s *scene) halt() {
	k := s.desk.keeper
	k.end()
	k.tick()
	k.stop = nil
}

// settled has everything that has happened written down.
func (s *scene) settled() {
	s.halt()
	k := s.desk.keeper
	k.stop, k.stopped = make(chan struct{}), make(chan struct{})
	go k.run()
}

func TestACallOutlivesTheProcess(t *testing.T) {
	for _, by := range []string{"the office", "the carrier"} {
		t.Run("ended by "+by, func(t *testing.T) {
			s := newScene(t, nil)
			folder := s.lasting()
			caller, callee := s.answeredCall()
			s.settled()
			before := s.desk.Calls()[0]
			if n := s.kill(folder, 0); n != 1 {
				t.Fatalf("%d calls were taken up", n)
			}
			if u := s.gate.Usage(); u.Calls != 1 || u.Trunks["carrier-a"] != 1 {
				t.Errorf("in use are %+v", u)
			}
			after := s.desk.Calls()
			if len(after) != 1 || after[0].ID != before.ID || !after[0].Started.Equal(before.Started) || !after[0].Answered.Equal(before.Answered) ||
				after[0].From != before.From || after[0].To != before.To || after[0].Trunk != before.Trunk || after[0].Callee.Suite != before.Callee.Suite {
				t.Errorf("the call is\n%+v, was\n%+v", after, before)
			}
			for _, addr := range []string{"192.0.2.50", "203.0.113.8"} {
				if !s.holes.listensNow(addr) {
					t.Errorf("the audio of %s is not let in", addr)
				}
			}
			one, other := caller, callee
			if by == "the carrier" {
				one, other = callee, caller
			}
			one.ask(sip.BYE, "")
			other.request(sip.BYE).Refuse(ua.Reply{Status: 200})
			one.expect(200)
			ended := find[event.CallEnded](s)
			if ended.Call != before.ID || !ended.Answered || ended.Duration < time.Since(before.Answered)-time.Second {
				t.Errorf("told is %+v", ended)
			}
			if find[event.CallResumed](s).Call != before.ID {
				t.Error("the restart is not told")
			}
			s.await(0)
			s.settled()
			records, _, err := folder.Read()
			if len(records) != 1 || !strings.Contains(string(records[mediaRecord]), `"Sessions":[]`) || err != nil {
				t.Errorf("left are %q, %v", records, err)
			}
		})
	}
}

func TestAfterARestartChangesPassBothWays(t *testing.T) {
	s := newScene(t, nil)
	folder := s.lasting()
	caller, callee := s.answeredCall()
	origin := func(body []byte) string { return strings.Split(string(body), "\r\n")[1] }
	said := origin(callee.in.Body())
	s.settled()
	for life := range 2 {
		if n := s.kill(folder, 0); n != 1 {
			t.Fatalf("life %d: %d calls were taken up", life, n)
		}
		hold := caller.ask(sip.INVITE, clearSDP("192.0.2.50", "a=sendonly", []string{"a=x:1", "a=x:2"}[life]))
		in := callee.request(sip.INVITE)
		if !hasLine(offerOf(in), "a=sendonly") || !hasLine(offerOf(in), "a=crypto:") {
			t.Errorf("the carrier is offered\n%s", in.Body())
		}
		now := origin(in.Body())
		if id := func(o string) string { return strings.Join(strings.Fields(o)[:2], " ") }; id(now) != id(said) || now == said && life == 0 {
			t.Errorf("our description is of %q, was of %q", now, said)
		}
		said = now
		if err := in.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(secureSDP("203.0.113.8", "a=recvonly")), ContentType: sdpType}); err != nil {
			t.Fatal(err)
		}
		callee.request(sip.ACK)
		caller.expect(200)
		if err := hold.Ack(nil); err != nil {
			t.Fatal(err)
		}
		back := callee.ask(sip.INVITE, secureSDP("203.0.113.9", []string{"a=x:1", "a=x:2"}[life]))
		asked := caller.request(sip.INVITE)
		if err := asked.Respond(caller.box, ua.Reply{Status: 200, Contact: "sip:x@192.0.2.99", Body: []byte(clearSDP("192.0.2.50")), ContentType: sdpType}); err != nil {
			t.Fatal(err)
		}
		caller.request(sip.ACK)
		callee.expect(200)
		if err := back.Ack(nil); err != nil {
			t.Fatal(err)
		}
		if !s.holes.listens("203.0.113.9") {
			t.Error("the carrier's new address is not let in")
		}
		s.settled()
	}
	caller.ask(sip.BYE, "")
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
}

func TestASessionTimerGoesOnAfterARestart(t *testing.T) {
	s := newScene(t, nil)
	folder := s.lasting()
	s.answeredCall()
	s.settled()
	before := s.session().callee.timer
	s.kill(folder, 0)
	after := s.session().callee.timer
	if after.interval != before.interval || after.ours != before.ours || after.due.Sub(before.due).Abs() > time.Second {
		t.Errorf("the timer is %+v, was %+v", after, before)
	}
}

func TestAfterTooLongEverybodyIsHungUp(t *testing.T) {
	s := newScene(t, nil)
	folder := s.lasting()
	caller, callee := s.answeredCall()
	s.settled()
	if n := s.kill(folder, longestAway+time.Minute); n != 0 {
		t.Fatalf("%d calls were taken up", n)
	}
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	if ended := find[event.CallEnded](s); !ended.Answered || !strings.Contains(ended.Reason, "could not go on") {
		t.Errorf("told is %+v", ended)
	}
}

func TestWhoHasHungUpMeanwhileIsFoundOut(t *testing.T) {
	for status, lost := range map[int]bool{481: true, 200: false} {
		s := newScene(t, nil)
		folder := s.lasting()
		caller, callee := s.answeredCall()
		s.halt()
		name := callRecords + s.session().id
		records, _, err := folder.Read()
		if err != nil {
			t.Fatal(err)
		}
		r := &record{}
		if err := json.Unmarshal(records[name], r); err != nil {
			t.Fatal(err)
		}
		r.Legs[1].Dialog.Local.Transport = "TLS" // over UDP its BYE would come again
		rewriteJSON(t, folder, name, r)
		s.kill(folder, 0)
		callee.request(sip.OPTIONS).Refuse(ua.Reply{Status: status})
		if !lost {
			caller.ask(sip.BYE, "") // it goes on
			callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
			continue
		}
		caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
		if ended := find[event.CallEnded](s); !strings.Contains(ended.Reason, "has hung up while") {
			t.Errorf("told is %+v", ended)
		}
	}
}

func TestWhatCannotBeTakenUpIsToldAndLost(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, folder *keeping.Folder, call string, r *record){
		"no JSON": func(t *testing.T, f *keeping.Folder, call string, _ *record) { rewrite(t, f, call, []byte("{")) },
		"empty":   func(t *testing.T, f *keeping.Folder, call string, _ *record) { rewrite(t, f, call, nil) },
		"no legs": func(t *testing.T, f *keeping.Folder, call string, r *record) {
			r.Legs = [2]legRecord{}
			rewriteJSON(t, f, call, r)
		},
		"no dialog": func(t *testing.T, f *keeping.Folder, call string, r *record) {
			r.Legs[1].Dialog.RemoteTag = ""
			rewriteJSON(t, f, call, r)
		},
		"no INVITE": func(t *testing.T, f *keeping.Folder, call string, r *record) {
			r.Invite = "SIP/2.0 200 OK\r\n\r\n"
			rewriteJSON(t, f, call, r)
		},
		"no description": func(t *testing.T, f *keeping.Folder, call string, r *record) {
			r.Legs[0].Heard = "v=1"
			rewriteJSON(t, f, call, r)
		},
		"never answered": func(t *testing.T, f *keeping.Folder, call string, r *record) {
			r.Answered = time.Time{}
			rewriteJSON(t, f, call, r)
		},
		"media of another record": func(t *testing.T, f *keeping.Folder, _ string, _ *record) { rewrite(t, f, mediaRecord, []byte("{}")) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, nil)
			folder := s.lasting()
			s.answeredCall()
			s.halt()
			call := callRecords + s.session().id
			records, _, err := folder.Read()
			if err != nil {
				t.Fatal(err)
			}
			r := &record{}
			if err := json.Unmarshal(records[call], r); err != nil {
				t.Fatal(err)
			}
			change(t, folder, call, r)
			if n := s.kill(folder, 0); n != 0 {
				t.Fatalf("%d calls were taken up", n)
			}
			if left, _, _ := folder.Read(); left[call] != nil {
				t.Error("the record is still there")
			}
			s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50")) // and calls pass
			s.a.called().respond(486, "")
		})
	}
}

func rewrite(t *testing.T, f *keeping.Folder, name string, b []byte) {
	t.Helper()
	if err := f.Write(name, b); err != nil {
		t.Fatal(err)
	}
}

func rewriteJSON(t *testing.T, f *keeping.Folder, name string, r *record) {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, f, name, b)
}

func TestSecretsOfThePolicyAreNotInRecords(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) {
		p.Trunks[0].Accounts[0].Secret = "tooth-brush"
	})
	folder := s.lasting()
	s.answeredCall()
	s.settled()
	records, _, err := folder.Read()
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	for name, b := range records {
		if strings.Contains(string(b), "tooth") {
			t.Errorf("%s has the trunk's password:\n%s", name, b)
		}
	}
}

// FuzzReadRecord reads calls that something else has written.
func FuzzReadRecord(f *testing.F) {
	f.Add([]byte(`{"ID":"a","Started":"2026-01-01T00:00:00Z","Answered":"2026-01-01T00:00:01Z","Legs":[{"Party":{"Peer":{"Side":"inside"}},"Dialog":{"CallID":"a","LocalTag":"b","RemoteTag":"c","RemoteTarget":"sip:a@192.0.2.1"}}]}`))
	f.Add([]byte(`{"Legs":[{"Keys":{"Handshake":{"ICE":[{},{}]}},"Heard":"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := readRecord(b); err == nil {
			for i := range r.Legs {
				_, _ = r.Legs[i].agreement()
			}
		}
		_, _ = readMedia(b, time.Now())
	})
}

func TestACallThatRangWhenTheProcessEndedIsGivenUp(t *testing.T) {
	s := newScene(t, nil)
	folder := s.lasting()
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()
	callee.respond(180, "")
	caller.expect(180)
	s.settled()
	if n := s.kill(folder, 0); n != 0 {
		t.Fatalf("%d calls were taken up", n)
	}
	e := callee.next()
	if e.Cancelled == nil {
		t.Fatalf("the carrier got %s, want CANCEL", shown(e))
	}
	caller.expect(503)
	ended := find[event.CallEnded](s)
	if ended.Answered || ended.Status != 503 {
		t.Errorf("told is %+v", ended)
	}
	for range 200 { // the 487 is acknowledged, or it would come again
		if s.a.boxEnd.Count("ACK") > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if s.a.boxEnd.Count("ACK") != 1 {
		t.Error("the carrier's 487 is not acknowledged")
	}
	s.settled()
	if records, _, _ := folder.Read(); len(records) != 1 {
		t.Errorf("left are %d records", len(records))
	}
}

func TestAnAnswerThatCrossesTheRestartIsHungUp(t *testing.T) {
	s := newScene(t, nil)
	folder := s.lasting()
	s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()
	callee.respond(180, "")
	for s.session().callee == nil || s.a.boxEnd.Count("INVITE") == 0 {
		time.Sleep(time.Millisecond)
	}
	s.settled()
	s.wires.to.Store(ua.New(func(*ua.Incoming) {}, slog.New(slog.DiscardHandler))) // nobody listens any more
	callee.respond(200, secureSDP("203.0.113.8"))
	s.kill(folder, 0)
	callee.request(sip.ACK)
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
}
