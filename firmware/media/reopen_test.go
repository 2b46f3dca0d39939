package media

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pion/srtp/v3"
	"pgregory.net/rapid"

	"tollgate/firmware/policy"
)

// keep writes down what the relay says of its sessions, as the box does on a tick.
func (c *call) keep() []byte {
	c.a.t.Helper()
	b, err := json.Marshal(slices.Collect(c.relay.Records()))
	if err != nil {
		c.a.t.Fatal(err)
	}
	c.relay.Kept()
	return b
}

// restart ends the relay without a word to anybody and starts another one from what was kept.
func (c *call) restart(kept []byte) {
	t := c.a.t
	t.Helper()
	own, err := c.relay.Identity()
	if err != nil {
		t.Fatal(err)
	}
	c.relay.Close()
	var records []SessionRecord
	if err := json.Unmarshal(kept, &records); err != nil || len(records) != 1 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	next := newRelay(t, nil, labConfig())
	next.KeepRecords(true)
	if err := next.Resume(own); err != nil {
		t.Fatal(err)
	}
	s, err := next.Reopen(records[0])
	if err != nil {
		t.Fatal(err)
	}
	c.relay, c.Session = next, s
	c.a.leg, c.b.leg = s.Leg(Caller), s.Leg(Callee)
}

func TestACallGoesOnInAnotherProcess(t *testing.T) {
	for _, c := range []struct{ inside, outside policy.Suite }{{plainRTP, plainRTP}, {plainRTP, aesCM}, {gcm, plainRTP}, {aesCM, gcm}} {
		t.Run(fmt.Sprintf("%s to %s", c.inside, c.outside), func(t *testing.T) {
			call := newCall(t, c.inside, c.outside)
			call.relay.KeepRecords(true)
			call.converse(40)
			relayReport(t, call.a, false, call.b, false)
			recorded := call.b.next([]byte("heard before"))
			write(t, call.b.rtp, call.b.boxRTP(), recorded)
			call.a.hears([]byte("heard before"))
			for range 3 { // one life after the other
				kept := call.keep()
				call.converse(25) // of which no record speaks
				relayReport(t, call.a, false, call.b, false)
				before := call.Leg(Caller).Stats()
				call.restart(kept)
				call.a.set()
				call.b.set()
				call.keep()
				if now := call.Leg(Caller).Stats(); now.PacketsIn+25 != before.PacketsIn {
					t.Errorf("%d packets are counted, %d were", now.PacketsIn, before.PacketsIn)
				}
				call.converse(40)
				relayReport(t, call.a, false, call.b, false)
				relayReport(t, call.b, false, call.a, false)
			}
			if c.outside == plainRTP {
				return
			}
			write(t, call.b.rtp, call.b.boxRTP(), recorded)
			call.stats(Callee, "a replay from an earlier life is not dropped", func(s LegStats) bool { return s.Replays == 1 })
			call.a.hearsNothing()
		})
	}
}

func TestKeysOfAHandshakeGoOnInAnotherProcess(t *testing.T) {
	for _, active := range []bool{false, true} {
		call, h := newDTLSCall(t, active)
		call.relay.KeepRecords(true)
		shown := call.b.leg.Fingerprint()
		h.agree(h.terms(gcm))
		h.meet(gcm)
		call.converse(10)
		kept := call.keep()
		call.converse(10)
		call.restart(kept)
		call.a.set()
		h.agree(h.terms(gcm))
		call.keep()
		call.converse(20)
		if call.b.leg.Fingerprint() != shown {
			t.Error("the box shows another certificate")
		}
		h.agree(h.terms(gcm)) // a session refresh makes no new keys
		call.converse(5)
	}
}

func TestPacketsPassWhileRecordsAreTaken(t *testing.T) {
	r := newRelay(t, nil, labConfig())
	var open []*Session
	for i := range 3 * atOnce * len(r.workers) {
		s, err := r.Open(fmt.Sprint(i), policy.SideInside, policy.SideOutside)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, s)
	}
	described := 0
	for range r.Records() {
		if described++; described == 1 { // every worker takes orders meanwhile, and so packets
			for _, s := range open {
				s.Close()
			}
		}
	}
	if described > atOnce {
		t.Errorf("%d sessions are described at once, more than %d", described, atOnce)
	}
}

func TestAnAddressThatWasLearnedStaysSo(t *testing.T) {
	call := newCall(t, plainRTP, plainRTP)
	elsewhere := listen(t, "127.0.2.9") // a router has given the peer another port than it says
	write(t, elsewhere, call.b.boxRTP(), call.b.next([]byte("x")))
	call.a.hears([]byte("x"))
	call.restart(call.keep())
	call.a.set()
	call.b.set()
	call.a.talk([]byte("y"))
	if b, _, ok := read(t, elsewhere, patience); !ok || string(b[12:]) != "y" {
		t.Errorf("what comes back is %q, %v", b, ok)
	}
}

func TestNothingLeavesBeforeItsNumbersAreKept(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	call.relay.KeepRecords(true)
	call.converse(3)
	call.restart(call.keep())
	call.a.set()
	call.b.set()
	call.a.talk([]byte("too early"))
	call.stats(Caller, "it was not held back", func(s LegStats) bool { return s.PacketsIn == 4 })
	call.b.hearsNothing()
	call.keep()
	call.converse(3)
}

func TestNumbersAreReservedAhead(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	call.relay.KeepRecords(true)
	for range reserved + 1 { // its first and those reserved
		call.a.talk([]byte("x"))
		call.b.hears([]byte("x"))
	}
	call.a.talk([]byte("one too many"))
	call.b.hearsNothing()
	call.keep()
	call.a.talk([]byte("again"))
	call.a.talk([]byte("again"))
	call.b.hears([]byte("again"))
	for range reserved / 2 {
		call.b.hear()
		call.a.talk([]byte("x"))
	}
	call.relay.KeepRecords(false) // the records are lost: the call goes on without
	for range 2 * reserved {
		call.b.hear()
		call.a.talk([]byte("x"))
	}
}

func TestRecordsThatDoNotFitAreRefused(t *testing.T) {
	call := newCall(t, gcm, aesCM)
	call.relay.KeepRecords(true)
	call.converse(2)
	kept := call.keep()
	for name, c := range map[string]struct {
		change func(*SessionRecord)
		why    string
	}{
		"another address": {func(r *SessionRecord) { r.Legs[0].Local = netip.MustParseAddrPort("127.0.9.9:21000") }, "is not the address"},
		"no side":         {func(r *SessionRecord) { r.Legs[1].Side = "" }, "no side"},
		"an odd port":     {func(r *SessionRecord) { r.Legs[1].Local = netip.MustParseAddrPort(outsideAddr + ":21001") }, "no port for RTP"},
		"port 0":          {func(r *SessionRecord) { r.Legs[1].Local = netip.MustParseAddrPort(outsideAddr + ":0") }, "no port for RTP"},
		"a short key":     {func(r *SessionRecord) { r.Legs[0].Openers[0].Keys.Key = []byte("short") }, "bytes of key"},
		"no suite":        {func(r *SessionRecord) { r.Legs[0].Sealers[0].Keys.Suite = "" }, "no SRTP suite"},
		"too many":        {func(r *SessionRecord) { r.Legs[0].Sealers[0].RTP = make([]Reserved, maxSources+1) }, "more sources"},
		"twice the same":  {func(r *SessionRecord) { r.Legs[0].Openers[0].RTP = make([]Received, 2) }, "cannot be"},
		"too many lives":  {func(r *SessionRecord) { r.Legs[0].Sealers[0].Lives = maxLives }, "more processes"},
		"a long MKI":      {func(r *SessionRecord) { r.Legs[0].Openers[0].Keys.MKI = make([]byte, maxMKI+1) }, "key identifier"},
		"used up":         {func(r *SessionRecord) { r.Legs[0].Sealers[0].RTP[0].Limit = lastIndex }, "cannot be"},
		"the same port":   {func(r *SessionRecord) { r.Legs[1].Side, r.Legs[1].Local = r.Legs[0].Side, r.Legs[0].Local }, "in use"},
		"nobody's keys":   {func(r *SessionRecord) { r.Legs[1].Flows[0].Handshake = &HandshakeRecord{} }, "nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			var records []SessionRecord
			if err := json.Unmarshal(kept, &records); err != nil {
				t.Fatal(err)
			}
			c.change(&records[0])
			r, err := New(nil, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			config := labConfig()
			config.Inside.Address, config.Outside.Address = netip.MustParseAddr("127.0.3.1"), netip.MustParseAddr("127.0.4.1")
			for i := range records[0].Legs {
				l := &records[0].Legs[i]
				if l.Local.Addr().String() == insideAddr || l.Local.Addr().String() == outsideAddr {
					l.Local = netip.AddrPortFrom(config.side(l.Side).Address, l.Local.Port())
				}
			}
			if err := r.Set(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Reopen(records[0]); err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("the error is %v, want one with %q", err, c.why)
			}
			if _, err := r.Open("another", policy.SideInside, policy.SideOutside); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// TestOverRestartsNoKeyStreamIsUsedTwice drives a sealer with whatever a source may do, and ends its process at any moment,
// before and after the records are written. Its receiver is pion/srtp.
func TestOverRestartsNoKeyStreamIsUsedTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := testKeys(rapid.SampledFrom(policy.Suites()).Draw(rt, "suite"), "k")
		r := &Relay{}
		r.KeepRecords(true)
		s, err := newSealer(*k)
		if err != nil {
			rt.Fatal(err)
		}
		s.kept = &r.keeps
		receiver, used := pionContext(t, *k), map[uint64]bool{}
		kept := s.record()
		seq := uint16(rapid.IntRange(0, 65535).Draw(rt, "first"))
		near := rapid.Bool().Draw(rt, "near the wrap")
		for range rapid.IntRange(20, 200).Draw(rt, "packets") {
			if near && len(s.streams) > 0 { // of the numbers that leave
				near = false
				skipTo(rt, s, receiver, used, &seq, 1<<16-30)
			}
			switch rapid.IntRange(0, 20).Draw(rt, "step") {
			case 0:
				seq += uint16(rapid.IntRange(0, 4000).Draw(rt, "jump"))
			case 1, 2:
				s.promise()
				kept = s.record()
				if rapid.Bool().Draw(rt, "confirmed") {
					s.fulfil()
				}
			case 3:
				if len(kept.RTP) == 0 {
					continue // a source that the record does not know of: see below
				}
				if s, err = kept.sealer(r); err != nil {
					rt.Fatal(err)
				}
				s.promise()
				kept = s.record()
				s.fulfil()
			default:
				seq++
			}
			followOver(rt, s, receiver, used, seq)
		}
	})
}

// skipTo sends with gaps until the index that leaves is near a number.
func skipTo(rt *rapid.T, s *sealer, receiver *srtp.Context, used map[uint64]bool, seq *uint16, index uint64) {
	for s.streams[0].index+1000 < index {
		*seq += 1000
		s.promise()
		s.fulfil()
		followOver(rt, s, receiver, used, *seq)
	}
	*seq += uint16(index - s.streams[0].index)
	followOver(rt, s, receiver, used, *seq)
}

// followOver seals one packet, if it may leave, and checks it as its receiver.
func followOver(rt *rapid.T, s *sealer, receiver *srtp.Context, used map[uint64]bool, seq uint16) {
	packet := []byte{0x80, 8, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 'v', 'o', 'i', 'c', 'e'}
	binary.BigEndian.PutUint16(packet[2:], seq)
	sealed, v := s.rtp(newTools(), make([]byte, 200), packet)
	if v != passed {
		return
	}
	if _, err := receiver.DecryptRTP(nil, sealed, nil); err != nil {
		rt.Fatalf("the receiver is lost at %d: %v", seq, err)
	}
	index := s.streams[0].index
	index -= uint64(uint16(index) - binary.BigEndian.Uint16(sealed[2:]))
	if used[index] {
		rt.Fatalf("index %d is used twice", index)
	}
	used[index] = true
}

// TestASourceThatNoRecordKnowsHasNumbersOfItsOwn ends one process after the other before anything of a new source is kept.
func TestASourceThatNoRecordKnowsHasNumbersOfItsOwn(t *testing.T) {
	r := &Relay{}
	r.KeepRecords(true)
	s, err := newSealer(*testKeys(aesCM, "k"))
	if err != nil {
		t.Fatal(err)
	}
	s.kept = &r.keeps
	used := map[string]bool{}
	for life := range 6 {
		for i := range 2 * reserved {
			packet := []byte{0x80, 8, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 'v'}
			binary.BigEndian.PutUint16(packet[2:], uint16(0x7fff+i))
			if _, v := s.rtp(newTools(), make([]byte, 200), packet); v == passed {
				if n := fmt.Sprint(s.streams[0].index); used[n] {
					t.Fatalf("life %d: index %s is used twice", life, n)
				} else {
					used[n] = true
				}
			}
			report := []byte{0x80, 201, 0, 1, 1, 2, 3, 4}
			if _, v := s.rtcp(newTools(), make([]byte, 200), report); v == passed {
				if n := fmt.Sprint("report ", s.reports[0].index); used[n] {
					t.Fatalf("life %d: %s is used twice", life, n)
				} else {
					used[n] = true
				}
			}
		}
		rec := s.record()
		rec.RTP, rec.CTL = nil, nil // it was written before the source spoke
		if s, err = rec.sealer(r); err != nil {
			t.Fatal(err)
		}
		if _, v := s.reportsOf(1); v == passed {
			t.Fatal("something leaves before the record says that there is another process")
		}
		s.fulfil()
	}
	if len(used) < 6*2*reserved {
		t.Errorf("only %d packets have left", len(used))
	}
}

// TestOverRestartsAReceiverFollowsAndRefusesReplays has pion/srtp send, across wraps, while openers take over from one
// another, some packets after what was written down.
func TestOverRestartsAReceiverFollowsAndRefusesReplays(t *testing.T) {
	for _, suite := range policy.Suites() {
		rapid.Check(t, func(rt *rapid.T) {
			k := testKeys(suite, "k")
			sender := pionContext(t, *k)
			o, err := newOpener(*k)
			if err != nil {
				rt.Fatal(err)
			}
			seq := uint16(rapid.IntRange(0, 1<<15-1).Draw(rt, "first"))
			var old [][]byte
			send := func() []byte {
				packet := []byte{0x80, 8, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 'v'}
				binary.BigEndian.PutUint16(packet[2:], seq)
				b, err := sender.EncryptRTP(nil, packet, nil)
				if err != nil {
					rt.Fatal(err)
				}
				seq++
				return b
			}
			take := func(b []byte, want verdict) {
				if _, v := o.rtp(newTools(), make([]byte, 200), b); v != want {
					rt.Fatalf("at %d the verdict is %d, want %d", binary.BigEndian.Uint16(b[2:]), v, want)
				}
			}
			take(send(), passed)
			for range rapid.IntRange(2, 12).Draw(rt, "lives") {
				for range rapid.IntRange(1, 5).Draw(rt, "packets") {
					b := send()
					old = append(old, b)
					take(b, passed)
				}
				kept := o.record()
				for range rapid.SampledFrom([]int{0, 1, 50, 9000, 30000}).Draw(rt, "lost or unrecorded") {
					seq++
					if seq%2000 == 0 {
						send()
					}
				}
				if o, err = kept.opener(); err != nil {
					rt.Fatal(err)
				}
				for _, b := range old[max(0, len(old)-5):] {
					if _, v := o.rtp(newTools(), make([]byte, 200), b); v == passed {
						rt.Fatalf("packet %d of an earlier life is taken again", binary.BigEndian.Uint16(b[2:]))
					}
				}
				altered := send()
				altered[len(altered)-1] ^= 1
				take(altered, forged)
			}
			take(send(), passed)
		})
	}
}

// FuzzLegRecord resumes a leg from whatever a record may say: an error, or a leg that works and uses no number twice.
func FuzzLegRecord(f *testing.F) {
	f.Add([]byte(`{"Side":"inside","Openers":[{"Keys":{"Suite":"AEAD_AES_128_GCM","Key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="},"RTP":[{"SSRC":1,"Next":65536}]}]}`))
	f.Add([]byte(`{"Sealers":[{"Keys":{"Suite":"AEAD_AES_128_GCM","Key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="},"Lives":3,"RTP":[{"SSRC":16909060,"Limit":70000,"Last":9}]}]}`))
	f.Add([]byte(`{"Sealers":[{"Keys":{"Suite":"AEAD_AES_128_GCM","Key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="},"Lives":281474976710655}]}`))
	f.Add([]byte(`{"Sealers":[{"Keys":{"Suite":"AEAD_AES_128_GCM","Key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="},"RTP":[{"SSRC":16909060,"Limit":281474976710654}]}]}`))
	f.Add([]byte(`{"Flows":[{"Handshake":{"Fingerprints":["AAAA"]}},{"Signalled":"192.0.2.1:9"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var rec LegRecord
		if json.Unmarshal(b, &rec) != nil {
			return
		}
		r := &Relay{}
		h := &half{counters: &counters{}}
		h.rtp, h.rtcp = &flow{half: h}, &flow{half: h, control: true}
		l := &Leg{session: &Session{relay: r}, half: h}
		if l.resume(rec) != nil {
			return
		}
		packet := []byte{0x80, 8, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 'v'}
		for _, s := range l.sealers {
			sealsWithoutRepeating(t, s, packet)
		}
		for _, o := range l.openers {
			o.rtp(newTools(), make([]byte, 300), append(packet, make([]byte, 200)...))
		}
		l.record()
	})
}

// sealsWithoutRepeating has a sealer that was just resumed send until it is used up or has shown that it goes on.
func sealsWithoutRepeating(t *testing.T, s *sealer, packet []byte) {
	tools, last := newTools(), uint64(0)
	for i := range 4 {
		s.promise()
		s.fulfil()
		binary.BigEndian.PutUint16(packet[2:], uint16(i))
		if index, v := s.number(binary.BigEndian.Uint32(packet[8:]), uint16(i)); v == passed && (index > lastIndex || index <= last && i > 0) {
			t.Fatalf("index %d leaves after %d, the last there is is %d", index, last, uint64(lastIndex))
		} else if v == passed {
			last = index
		}
		s.rtcp(tools, make([]byte, 300), []byte{0x80, 201, 0, 1, 1, 2, 3, 4})
	}
	for _, r := range s.reports {
		if r.index > lastCtlIndex {
			t.Fatalf("report %d has left, the last there is is %d", r.index, lastCtlIndex)
		}
	}
	s.rtp(tools, make([]byte, 300), packet)
}

// BenchmarkRecords is what one tick of record-keeping costs for 100 encrypted calls.
func BenchmarkRecords(b *testing.B) {
	r := newRelay(b, nil, labConfig())
	r.KeepRecords(true)
	for i := range 100 {
		s, err := r.Open(fmt.Sprint(i), policy.SideInside, policy.SideOutside)
		if err != nil {
			b.Fatal(err)
		}
		near, far := newPeer(b, s.Leg(Caller), "127.0.1.9", plainRTP), newPeer(b, s.Leg(Callee), "127.0.2.9", aesCM)
		near.set()
		far.set()
		near.talk([]byte("x"))
		far.hears([]byte("x"))
	}
	for b.Loop() {
		if _, err := json.Marshal(slices.Collect(r.Records())); err != nil {
			b.Fatal(err)
		}
		r.Kept()
	}
}
