package media

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

func TestReplayedPacketsAreDropped(t *testing.T) {
	for _, c := range []struct{ inside, outside policy.Suite }{{plainRTP, aesCM}, {aesCM, plainRTP}, {gcm, aesCM}} {
		t.Run(fmt.Sprintf("%s to %s", c.inside, c.outside), func(t *testing.T) {
			call := newCall(t, c.inside, c.outside)
			var sent [][]byte
			for i := range 10 {
				sent = append(sent, call.a.next(tone(i, 440)))
				write(t, call.a.rtp, call.a.boxRTP(), sent[i])
				call.b.hears(tone(i, 440))
			}
			for _, b := range sent {
				write(t, call.a.rtp, call.a.boxRTP(), b)
			}
			call.stats(Caller, "not all were dropped", func(s LegStats) bool { return s.Replays == 10 })
			call.b.hearsNothing()
			call.converse(3)
		})
	}
}

func TestReplayedSRTCPIsDropped(t *testing.T) {
	call := newCall(t, plainRTP, gcm)
	b, err := call.b.encrypt.EncryptRTCP(nil, report(call.b.ssrc), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		write(t, call.b.rtcp, call.b.boxRTCP(), b)
	}
	call.stats(Callee, "not dropped", func(s LegStats) bool { return s.Replays == 2 && s.ControlIn == 1 })
	b, _ = call.b.encrypt.EncryptRTCP(nil, report(call.b.ssrc), nil)
	b[len(b)-6] ^= 1
	write(t, call.b.rtcp, call.b.boxRTCP(), b)
	call.stats(Callee, "not counted", func(s LegStats) bool { return s.AuthFailures == 1 && s.ControlIn == 1 })
}

func TestPacketsThatOvertookOthersArrive(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	var packets [][]byte
	for i := range 8 {
		packets = append(packets, call.a.next([]byte{byte(i)}))
	}
	for _, i := range []int{0, 3, 1, 2, 7, 6, 5, 4} {
		write(t, call.a.rtp, call.a.boxRTP(), packets[i])
		call.b.hears([]byte{byte(i)})
	}
}

func TestTheSameKeyGoesOnAcrossTheRollOver(t *testing.T) {
	for _, suite := range policy.Suites() {
		t.Run(string(suite), func(t *testing.T) {
			call := newCall(t, suite, suite)
			call.a.seq, call.b.seq = 0x7ffa, 0x7ff0 // both wrap under encryption: a first number is below 2^15
			for range 4 {
				call.converse(8300)
				call.a.set() // a session refresh: same keys
				call.b.set()
			}
			if call.a.seq > 0x7ff0 { // 33,200 packets on, the number has wrapped
				t.Fatalf("the test stops before the wrap, at %d", call.a.seq)
			}
			for _, role := range []Role{Caller, Callee} {
				if s := call.Leg(role).Stats(); s.AuthFailures+s.Replays != 0 || s.PacketsIn != 33200 {
					t.Errorf("leg %d: %+v", role, s)
				}
			}
		})
	}
}

func TestAReplayFromBeforeASessionRefreshIsStillDropped(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	recorded := call.b.next([]byte("x"))
	write(t, call.b.rtp, call.b.boxRTP(), recorded)
	call.a.hears([]byte("x"))
	call.b.set()
	write(t, call.b.rtp, call.b.boxRTP(), recorded)
	call.stats(Callee, "not dropped", func(s LegStats) bool { return s.Replays == 1 })
	call.a.hearsNothing()
}

func TestANewKeyStartsAfreshAndTheOldOneLivesTwoSeconds(t *testing.T) {
	for _, suite := range policy.Suites() {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			call := newCall(t, plainRTP, suite)
			call.converse(5)
			old := *call.b
			replayed := old.next([]byte("heard before"))
			write(t, call.b.rtp, call.b.boxRTP(), replayed)
			call.a.hears([]byte("heard before"))
			call.b.changeKeys(suite, "new")
			call.b.seq = 100 // numbers from before are fresh under the new key
			call.converse(5)

			old.talk([]byte("on its way"))
			call.a.hears([]byte("on its way"))
			relayReport(t, &old, false, call.a, false)
			write(t, call.b.rtp, call.b.boxRTP(), replayed)
			call.stats(Callee, "a replay under the old key", func(s LegStats) bool { return s.AuthFailures+s.Replays == 1 })
			call.b.set() // a session refresh does not lengthen its life
			time.Sleep(keyOverlap)
			old.talk([]byte("too late"))
			call.stats(Callee, "the old key still works", func(s LegStats) bool { return s.AuthFailures+s.Replays == 2 })
			call.a.hearsNothing()
			call.converse(5)
		})
	}
}

func TestComingBackToAKeyGoesOnWhereItWas(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	call.converse(5)
	recorded := call.b.next([]byte("recorded"))
	write(t, call.b.rtp, call.b.boxRTP(), recorded)
	call.a.hears([]byte("recorded"))
	first := *call.b
	call.b.changeKeys(aesCM, "second")
	call.converse(5)
	call.b.theirs, call.b.ours, call.b.encrypt, call.b.decrypt = first.theirs, first.ours, first.encrypt, first.decrypt
	call.b.set()
	write(t, call.b.rtp, call.b.boxRTP(), recorded)
	call.stats(Callee, "a replay came through", func(s LegStats) bool { return s.Replays == 1 })
	call.converse(5) // the peer's own replay window would tell if the box began anew
}

func TestKeysOfALegAreBounded(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	for i := range maxKeys - 1 {
		p := call.b.params()
		p.Receive = testKeys(aesCM, fmt.Sprint("receive ", i))
		if err := call.b.leg.Set(p); err != nil {
			t.Fatal(err)
		}
	}
	p := call.b.params()
	p.Receive = testKeys(aesCM, "one too many")
	if err := call.b.leg.Set(p); err == nil || !strings.Contains(err.Error(), "changed its key") {
		t.Errorf("the %dth key: %v", maxKeys+1, err)
	}
	call.b.set() // the first one is still known
	call.converse(2)
}

func TestAWrongKeyIsCounted(t *testing.T) {
	for _, suite := range policy.Suites() {
		call := newCall(t, plainRTP, suite)
		call.b.encrypt = pionContext(t, *testKeys(suite, "wrong"))
		for range 7 {
			call.b.talk([]byte("x"))
		}
		call.stats(Callee, "not counted", func(s LegStats) bool { return s.AuthFailures == 7 && s.PacketsIn == 0 })
		call.a.hearsNothing()
	}
}

func TestClearAudioOnAnEncryptedLegIsRefused(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	call.b.encrypt = nil
	call.b.talk([]byte("clear"))
	call.stats(Callee, "not refused", func(s LegStats) bool { return s.AuthFailures+s.Malformed == 1 && s.PacketsIn == 0 })
	call.a.hearsNothing()
}

func TestAPeersMasterKeyIdentifierIsUnderstood(t *testing.T) {
	for _, suite := range policy.Suites() {
		call := newCall(t, plainRTP, suite)
		call.b.theirs.MKI = []byte{0, 0, 0, 1}
		call.b.encrypt = pionContext(t, *call.b.theirs)
		call.b.set()
		call.converse(5)
		relayReport(t, call.b, false, call.a, false)
		call.b.encrypt = pionContext(t, Keys{Suite: suite, Key: call.b.theirs.Key, MKI: []byte{0, 0, 0, 2}})
		call.b.seq = 1000
		call.b.talk([]byte("x"))
		call.stats(Callee, "a wrong identifier passes", func(s LegStats) bool { return s.AuthFailures == 1 })
	}
}

func TestASourceThatStartsOverIsHeardAgain(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	call.a.seq = 40000
	call.converse(5)
	call.a.seq = 39000 // the same source, as when a gateway begins to play music
	call.a.talk([]byte("doubted"))
	call.stats(Caller, "it was not doubted", func(s LegStats) bool { return s.Replays == 1 })
	call.converse(5)
}

func TestKeysNeverPrint(t *testing.T) {
	k := testKeys(aesCM, "secret")
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "keys", *k, "pointer", k, "params", Params{Send: k})
	printed := log.String() + fmt.Sprintf("%v %+v %#v %s %x %v", *k, *k, *k, *k, *k, []any{k})
	for _, form := range []string{"secret", hex.EncodeToString(k.Key[:8]), fmt.Sprint(k.Key[:8])[1:20]} {
		if strings.Contains(printed, form) {
			t.Errorf("the key shows in %s", printed)
		}
	}
}
