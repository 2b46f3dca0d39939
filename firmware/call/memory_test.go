package call

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// mostBytes is what a call that is up may need: heap and stack, with its media, dialogs and ticket, without what the edge, the
// filter and who watches keep of it. scripts/bench sip measures it whole.
const mostBytes = 19 << 10

// alone marks the process that has nothing but the measured calls in it.
const alone = "TOLLGATE_TEST_CALL_MEMORY"

func TestACallThatIsUpNeedsLittleMemory(t *testing.T) {
	if os.Getenv(alone) == "" {
		c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		c.Env = append(os.Environ(), alone+"=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	sip.SetTimers(20*time.Millisecond, 80*time.Millisecond, 100*time.Millisecond) // what is over is forgotten within two seconds
	s := newScene(t, func(p *policy.Policy) {
		p.Limits.Calls = 1000
		p.Trunks[0].Caps.Calls, p.Trunks[0].SRTP = 1000, policy.SRTPOff
	})
	s.ports(30000, 33999)
	m := &mutes{scene: s, up: make(chan struct{}, 1000)}
	s.desk.o.Parties = m
	const batch = 150
	var used [2]uint64
	for i := range used {
		for range batch {
			m.dial()
		}
		for range batch {
			select {
			case <-m.up:
			case <-time.After(10 * time.Second):
				t.Fatal("a call was not answered")
			}
		}
		time.Sleep(80 * sip.T1)
		if n := len(s.desk.Calls()); n != (i+1)*batch {
			t.Fatalf("%d calls are up", n)
		}
		used[i] = inUse()
	}
	each := (used[1] - used[0]) / batch
	t.Logf("%d bytes a call", each)
	if each > mostBytes && !findsRaces() {
		t.Errorf("a call needs %d bytes, more than %d", each, mostBytes)
	}
}

// findsRaces tells whether the test was built to find data races: then functions need more stack, twice as much here.
func findsRaces() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// inUse is what the heap and the stacks take up. A collection halves the stacks that have room to spare.
func inUse() uint64 {
	var m runtime.MemStats
	for range 5 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// mutes are a PBX and a carrier that remember nothing of the calls, so that all that is kept is the box's.
type mutes struct {
	*scene
	calls int
	up    chan struct{}
}

func (m *mutes) PBX() (Party, bool) {
	p, ok := m.scene.PBX()
	p.Path = mute{m, m.pbx.peer}
	return p, ok
}

func (m *mutes) Trunk(name string) (Party, bool) {
	p, ok := m.scene.Trunk(name)
	p.Path = mute{m, p.Peer}
	return p, ok
}

// mute is the connection with one of them.
type mute struct {
	*mutes
	peer policy.Peer
}

func (c mute) Conn(context.Context) (sip.Connection, error) { return c, nil }
func (c mute) LocalAddr() net.Addr                          { return &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5060} }
func (c mute) Ref(int) int                                  { return 1 }
func (c mute) TryClose() (int, error)                       { return 1, nil }
func (c mute) Close() error                                 { return nil }

// dial has the PBX call somebody.
func (m *mutes) dial() {
	m.calls++
	body := clearSDP("192.0.2.50")
	mute{m, m.pbx.peer}.say(
		"INVITE sip:0472105518@192.0.2.1 SIP/2.0", fmt.Sprintf("Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK-%d-1", m.calls),
		"Max-Forwards: 70", fmt.Sprintf("From: \"Reception\" <sip:201@192.0.2.10>;tag=caller-%d", m.calls), "To: <sip:00472105518@192.0.2.1>",
		fmt.Sprintf("Call-ID: %d-office-call@192.0.2.10", m.calls), "CSeq: 1 INVITE", "Contact: <sip:201@192.0.2.10:5060>",
		"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE", "User-Agent: An ordinary PBX 16.3", "Supported: replaces, timer",
		"Content-Type: application/sdp", fmt.Sprintf("Content-Length: %d", len(body)), "", body)
}

// WriteMsg hears the box: a carrier answers at once, the PBX acknowledges that.
func (c mute) WriteMsg(m sip.Message) error {
	value := func(name string) string { return name + ": " + field.All(m.(field.Message), name)[0].Value() }
	switch m := m.(type) {
	case *sip.Request:
		if m.IsInvite() {
			body := clearSDP("203.0.113.7")
			go c.say("SIP/2.0 200 OK", value("Via"), value("From"), value("To")+";tag=callee", value("Call-ID"), value("CSeq"),
				"Contact: <sip:gw@203.0.113.7:5060>", "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS", "Server: An ordinary switch",
				"Content-Type: application/sdp", fmt.Sprintf("Content-Length: %d", len(body)), "", body)
		}
		if m.Method == sip.BYE {
			go c.say("SIP/2.0 200 OK", value("Via"), value("From"), value("To"), value("Call-ID"), value("CSeq"), "Content-Length: 0", "", "")
		}
	case *sip.Response:
		if m.IsSuccess() && m.CSeq().MethodName == sip.INVITE {
			go func() {
				c.say("ACK sip:00472105518@192.0.2.1 SIP/2.0", strings.Replace(value("Via"), "-1", "-2", 1), "Max-Forwards: 70", value("From"), value("To"),
					value("Call-ID"), "CSeq: 1 ACK", "Content-Length: 0", "", "")
				c.up <- struct{}{}
			}()
		}
	}
	return nil
}

// say sends a message to the box.
func (c mute) say(lines ...string) {
	m, err := sip.NewParser().ParseSIP([]byte(strings.Join(lines, "\r\n")))
	if err != nil {
		panic(err) // the test's own mistake
	}
	m.SetTransport("UDP")
	m.SetSource("192.0.2.10:5060")
	c.wires.Receive(m, c, c.peer)
}

var _ ua.Path = mute{}
