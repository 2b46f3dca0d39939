package netfilter

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// carrierD is twoPorts with another carrier in carrier-a's place, other media ports and another page.
func carrierD() Config {
	c := twoPorts()
	c.Services = slices.Clone(c.Services)
	c.Services[2].Name, c.Services[2].Sources = "trunk carrier-d", prefixes("203.0.113.99/32")
	c.Media, c.Page.Port = PortRange{30000, 30999}, 8443
	return c
}

func (l *lab) try(c Config, d time.Duration) {
	l.t.Helper()
	if err := l.filter.Try(context.Background(), c, time.Now().Add(d)); err != nil {
		l.t.Fatal(err)
	}
}

// onTrial and fallenBack are what tells carrierD from twoPorts on the wire.
func (l *lab) onTrial(t *testing.T) {
	t.Helper()
	l.probe(t, []probe{
		{"the new carrier is let in", l.wan, udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello), "outside_udp_5060_trunk_carrier-d", nil},
		{"the old one is not", l.wan, udpPacket("203.0.113.5:5060", "198.51.100.2:5060", hello), "outside_sip_refused", nil},
		{"who is in both", l.lan, udpPacket("192.0.2.10:5060", "192.0.2.1:5060", hello), "inside_udp_5060_pbx", nil},
		{"the page has moved", l.lan, tcpPacket("192.0.2.50:4000", "192.0.2.1:443", flagSYN), "inside_dropped", nil},
		{"forged as ever", l.wan, udpPacket("192.0.2.10:5060", "198.51.100.2:5060", hello), "forged", nil},
	})
}

func (l *lab) fallenBack(t *testing.T) {
	t.Helper()
	l.probe(t, []probe{
		{"the new carrier is out", l.wan, udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello), "outside_sip_refused", nil},
		{"the old one is back", l.wan, udpPacket("203.0.113.5:5060", "198.51.100.2:5060", hello), "outside_udp_5060_trunk_carrier-a", nil},
		{"the page is back", l.lan, tcpPacket("192.0.2.50:4001", "192.0.2.1:443", flagSYN), "inside_page", nil},
	})
}

// tried tells whether the kernel still holds what leads to the rules on trial.
func tried(t *testing.T) bool {
	return regexp.MustCompile(`map try_\w+ \{[^}]*\telements = `).MatchString(listing(t, DefaultTable))
}

// kernelEnds waits until the kernel has ended the trial, which it may not before end.
func kernelEnds(t *testing.T, end time.Time) {
	t.Helper()
	for tried(t) {
		if time.Now().After(end.Add(patience)) {
			t.Fatal("the kernel does not end the trial")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if early := time.Until(end); early > 50*time.Millisecond { // the kernel counts in ticks
		t.Errorf("the kernel ended the trial %v too soon", early)
	}
}

func TestATrialEndsByTheKernel(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	call, media := hole(Outside, "198.51.100.2:20000", "203.0.113.5/32"), l.receiver("198.51.100.2:20000")
	rtp := probe{"the call that was up", l.wan, udpPacket("203.0.113.5:4000", "198.51.100.2:20000", []byte("rtp")), "outside_rtp", media}
	newCall := probe{"the new call", l.wan, udpPacket("203.0.113.99:4000", "198.51.100.2:30000", []byte("rtp")), "outside_rtp", nil}
	l.openHole(call)
	l.try(carrierD(), time.Hour) // longer than it takes to look, on whatever machine
	l.onTrial(t)
	l.probe(t, []probe{rtp})
	l.ban(ban("203.0.113.98/32", time.Hour))
	l.openHole(hole(Outside, "198.51.100.2:30000", "203.0.113.99/32")) // of a call that begins meanwhile
	l.probe(t, []probe{{"a ban counts in both", l.wan, udpPacket("203.0.113.98:1", "198.51.100.2:5060", hello), "banned", nil}, newCall})
	l.set(twoPorts())
	l.fallenBack(t)

	const lasts = 500 * time.Millisecond
	end := time.Now().Add(lasts)
	l.try(carrierD(), lasts)
	kernelEnds(t, end)
	l.fallenBack(t)
	l.set(twoPorts()) // what the process does then, if it lives
	l.probe(t, []probe{rtp, newCall})
}

// The process that began the trial is killed at once: nobody is there to end it.
func TestATrialEndsAlsoWhenTheProcessIsKilled(t *testing.T) {
	if lasts, err := time.ParseDuration(os.Getenv(crashMark)); err == nil {
		f := openFilter(t, "")
		mustSet(t, f, twoPorts())
		if err := f.Try(context.Background(), carrierD(), time.Now().Add(lasts)); err != nil {
			t.Fatal(err)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	if !inNamespace(t) {
		return
	}
	l := twoPortLabWithout(t)
	for lasts := time.Second; ; lasts *= 2 { // a busy machine may take longer to look than a trial lasts
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), crashMark+"="+lasts.String())
		begun := time.Now()
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("the process was not killed: %v\n%s", err, out)
		}
		l.filter = openFilter(t, "") // only to read the counters
		l.filter.config, l.filter.rules = &Config{}, twoPorts().Ruleset().onTrial(carrierD().Ruleset(), lasts)
		before := l.counts()["outside_udp_5060_trunk_carrier-d"]
		l.wan.send(udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello))
		if !tried(t) && lasts < time.Minute {
			continue
		}
		if l.counts()["outside_udp_5060_trunk_carrier-d"] != before+1 {
			t.Error("the trial is not in force although the process was killed")
		}
		kernelEnds(t, begun.Add(lasts))
		break
	}
	l.fallenBack(t)
}

func TestATrialIsConfirmedOrEndedWithoutAGap(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	good := l.receiver("192.0.2.1:5060").deep()
	stop, sent := make(chan bool), make(chan uint32)
	go func() {
		for n := uint32(0); ; n++ {
			select {
			case <-stop:
				l.lan.send(udpPacket("192.0.2.10:5060", "192.0.2.1:5060", theEnd))
				sent <- n
				return
			default:
				l.lan.send(udpPacket("192.0.2.10:5060", "192.0.2.1:5060", numbered(n)))
				time.Sleep(100 * time.Microsecond)
			}
		}
	}()
	got := make(chan []byte)
	go func() { got <- good.all() }()
	for range 10 {
		l.try(carrierD(), time.Minute)
		l.set(carrierD()) // confirmed
		l.try(twoPorts(), time.Minute)
		l.set(carrierD()) // ended
		l.try(twoPortsV6(), time.Minute)
		l.try(twoPorts(), time.Minute) // another one meanwhile
		l.set(twoPorts())
	}
	if diff := cmp.Diff(unshared(twoPorts().Ruleset().String()), unshared(listing(t, DefaultTable))); diff != "" {
		t.Errorf("something of the trials is left (-want +kernel):\n%s", diff)
	}
	close(stop)
	total := <-sent
	var want []byte
	for n := range total {
		want = append(want, numbered(n)...)
	}
	if all := <-got; string(all) != string(want) {
		t.Errorf("%d of %d packets arrived", len(all)/len(numbered(0)), total)
	}
}

// unshared returns what a table holds but for sources that rules have noted.
func unshared(text string) []string {
	return slices.DeleteFunc(blocks(text), func(b string) bool { return strings.Contains(b, "flags dynamic") })
}

func TestTheKernelHoldsBothSetsOfRules(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	f := openFilter(t, "")
	mustSet(t, f, twoPorts())
	if err := f.Try(context.Background(), passage(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	want := twoPorts().Ruleset().onTrial(passage().Ruleset(), time.Hour)
	text := regexp.MustCompile(`\t\telements = \{ ipv4 timeout [^}]*\}\n`).ReplaceAllString(listing(t, DefaultTable), "")
	if diff := cmp.Diff(blocks(want.String()), blocks(text)); diff != "" {
		t.Errorf("the kernel differs from the Ruleset (-ruleset +kernel):\n%s", diff)
	}
}

func TestTheTrialReadsAsItsGolden(t *testing.T) {
	compareGolden(t, "trial.nft", twoPorts().Ruleset().onTrial(carrierD().Ruleset(), time.Minute).String())
}

func TestATrialNeedsWhatCanComeBack(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	f := openFilter(t, "")
	later := time.Now().Add(time.Hour)
	if err := f.Try(context.Background(), twoPorts(), later); err == nil {
		t.Error("tried although nothing was in force")
	}
	mustSet(t, f, twoPorts())
	if err := f.Try(context.Background(), twoPorts(), time.Now()); err == nil {
		t.Error("a trial that is over was begun")
	}
	if err := f.Try(context.Background(), Config{}, later); err == nil {
		t.Error("a faulty Config is on trial")
	}
}
