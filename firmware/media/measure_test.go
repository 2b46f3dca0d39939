package media

import (
	"testing"
	"time"
)

func TestTheBoardIsMeasuredInTheTimeThatItIsGiven(t *testing.T) {
	before := openFiles(t)
	begun := time.Now()
	packet, encryption, err := Measure(time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v a packet, %v of it encryption, after %v", packet, encryption, time.Since(begun))
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	if encryption < 100*time.Nanosecond || packet < encryption || packet > time.Millisecond {
		t.Errorf("%v a packet, %v of it encryption: that cannot be", packet, encryption)
	}
	if now := openFiles(t); now != before {
		t.Errorf("%d files are open, %d before", now, before)
	}
}

func TestThePulseTellsHowLateAWorkerIs(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	call.converse(5)
	if p := call.relay.Pulse(); p.Packets != 10 || p.Late != 0 {
		t.Errorf("%+v before anybody has asked", p)
	}
	late := func(met func(time.Duration) bool) time.Duration {
		for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			if p := call.relay.Pulse(); met(p.Late) {
				return p.Late
			}
			if time.Now().After(end) {
				t.Fatal("no worker answers")
			}
		}
	}
	call.relay.Probe()
	late(func(d time.Duration) bool { return d > 0 })
	late(func(d time.Duration) bool { return d == 0 }) // the other workers have answered too

	// A turn that takes long after the question: packets that come meanwhile wait for its end, and so does the answer.
	const long = 60 * time.Millisecond
	call.worker.do(func() {
		call.worker.ask(time.Now())
		time.Sleep(long)
	})
	if d := late(func(d time.Duration) bool { return d > 0 }); d < long {
		t.Errorf("late by %v, want at least %v", d, long)
	}
	late(func(d time.Duration) bool { return d == 0 }) // and then it is over
}
