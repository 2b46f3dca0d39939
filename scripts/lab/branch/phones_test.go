package branch_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/icholy/digest"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
)

// hosted builds a branch whose phones register with a PBX elsewhere.
func hosted(t *testing.T, h *branch.Hosted) *branch.Hosted {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	h.Binary = binary
	t.Cleanup(func() {
		if t.Failed() && h.Box != nil && h.Box.Process != nil {
			t.Logf("the box said:\n%s", h.Box.Process.Tail(60))
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if h.Lab != nil && len(h.Lab.Left()) > 0 {
			t.Errorf("left behind: %v", h.Lab.Left())
		}
	})
	if err := h.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

// phonesTalk has each of the two phones call the other.
func phonesTalk(t *testing.T, h *branch.Hosted) {
	t.Helper()
	desk, routed := h.Phones[0], h.Phones[1]
	talk(t, h.Office(), branch.Conversation{From: desk, To: routed, Number: "102", Seconds: 1.5})
	talk(t, h.Office(), branch.Conversation{From: routed, To: desk, Number: "101", Seconds: 1.5, CalledHangsUp: true})
}

// atPBX counts the messages that the PBX has received which begin with a word, and shows them.
func atPBX(t *testing.T, h *branch.Hosted, begins string) (list []string) {
	t.Helper()
	messages, err := h.PBX.Messages()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if m.Received && strings.HasPrefix(m.Text, begins) {
			list = append(list, m.Text)
		}
	}
	return list
}

// reached waits a moment until the PBX has received so many messages that begin with a word: it writes them down beside its
// work.
func reached(t *testing.T, h *branch.Hosted, begins string, least int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), branch.Patience)
	defer cancel()
	err := h.Box.Process.Await(ctx, "calling by the PBX", func() bool { return len(atPBX(t, h, begins)) >= least })
	if err != nil {
		t.Errorf("the PBX saw %d %s, want %d: %v", len(atPBX(t, h, begins)), begins, least, err)
	}
}

func TestPhonesCallByTheirPBXThroughTheBox(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			h := hosted(t, &branch.Hosted{Transport: transport})
			phonesTalk(t, h)
			shown(t, h)
			inner := regexp.MustCompile(`10\.77\.0\.|` + regexp.QuoteMeta(strings.TrimSuffix(h.Lab.Net.Office.Addr().String(), "0")) + `\d`)
			for _, begins := range []string{"REGISTER", "INVITE", "ACK", "BYE", "SIP/2.0"} {
				list := atPBX(t, h, begins)
				if len(list) == 0 {
					t.Errorf("the PBX saw no %s", begins)
				}
				for _, m := range list {
					if leak := inner.FindString(m); leak != "" {
						t.Errorf("%s reached the PBX:\n%s", leak, m)
						break
					}
				}
			}
			reached(t, h, "INVITE", 4) // each call once without and once with proof
		})
	}
}

// shown checks that the box shows both phones, and which of them is behind a router.
func shown(t *testing.T, h *branch.Hosted) {
	t.Helper()
	s, err := h.Box.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list := s.Phones.Registered
	if len(list) != 2 || list[0].User != "101" || list[0].BehindNAT || list[1].User != "102" || !list[1].BehindNAT || !s.Phones.Reachable {
		t.Errorf("shown: %+v", s.Phones)
	}
}

// A restart loses no phone that is reached by datagrams: nobody has to register first.
func TestARestartKeepsPhonesInReach(t *testing.T) {
	h := hosted(t, &branch.Hosted{})
	pause(t, 3) // the bindings are written
	h.Box.Stop()
	before := len(atPBX(t, h, "REGISTER"))
	if err := h.StartBox(t.Context()); err != nil {
		t.Fatal(err)
	}
	talk(t, h.Office(), branch.Conversation{From: h.Phones[0], To: h.Phones[1], Number: "102", Seconds: 1})
	if more := len(atPBX(t, h, "REGISTER")) - before; more > 0 {
		t.Errorf("%d registrations came before the call was over: this proves nothing", more)
	}
}

func TestPhonesSurviveTheirPBX(t *testing.T) {
	h := hosted(t, &branch.Hosted{})
	phonesTalk(t, h)
	h.PBX.Stop()
	begun := time.Now()
	desk, routed := h.Phones[0], h.Phones[1]
	talk(t, h.Office(), branch.Conversation{From: desk, To: routed, Number: "102", Seconds: 1.5}) // this call finds it out
	t.Logf("the first call without the PBX took %v in all", time.Since(begun).Round(time.Second))
	if err := h.AwaitPBX(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	begun = time.Now()
	phonesTalk(t, h)
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("with the PBX known to be away two calls took %v", took)
	}
	if err := routed.Dial(t.Context(), "112"); err != nil {
		t.Errorf("an emergency call: %v", err)
	} else if err := routed.HangUp(t.Context()); err != nil {
		t.Error(err)
	}
	if err := routed.Dial(t.Context(), "0987654321"); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("another call ended with %v, want 503", err)
	}
	if err := h.PBX.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.AwaitPBX(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	handedBack(t, h)
	before := len(atPBX(t, h, "INVITE"))
	phonesTalk(t, h)
	reached(t, h, "INVITE", before+1)
}

// handedBack waits until both phones have registered with the PBX again, which has forgotten them: within the minute that
// the box tells them while it is away.
func handedBack(t *testing.T, h *branch.Hosted) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 75*time.Second)
	defer cancel()
	begun := len(atPBX(t, h, "REGISTER"))
	err := h.Box.Process.Await(ctx, "handing the phones back", func() bool {
		return len(atPBX(t, h, "REGISTER")) >= begun+4 // each is asked for proof
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sipUser is a phone that registers and nothing else, on a port of its own.
type sipUser struct {
	user      string
	transport string // as Via spells it
	local     net.Addr
	seq       int
	read      func(b []byte, until time.Time) (int, error)
	write     func(b []byte) error
}

func newUser(t *testing.T, h *branch.Hosted, host *lab.Host, n int) *sipUser {
	t.Helper()
	conn, err := host.ListenPacket(fmt.Sprintf("%s:%d", host.Address, 31000+n))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	box := &net.UDPAddr{IP: h.Lab.Net.BoxInside.AsSlice(), Port: 5060}
	return &sipUser{
		user: fmt.Sprint(200 + n), transport: "UDP", local: conn.LocalAddr(),
		write: func(b []byte) error { _, err := conn.WriteTo(b, box); return err },
		read: func(b []byte, until time.Time) (int, error) {
			conn.SetReadDeadline(until)
			n, _, err := conn.ReadFrom(b)
			return n, err
		},
	}
}

// newTLSUser is a phone that speaks TLS, and does not care who the box is.
func newTLSUser(t *testing.T, h *branch.Hosted, host *lab.Host) *sipUser {
	t.Helper()
	plain, err := host.Dial(t.Context(), "tcp", netip.AddrPortFrom(h.Lab.Net.BoxInside, 5061).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plain.Close() })
	conn := tls.Client(plain, &tls.Config{InsecureSkipVerify: true})
	return &sipUser{
		user: "200", transport: "TLS", local: conn.LocalAddr(),
		write: func(b []byte) error { _, err := conn.Write(b); return err },
		read:  func(b []byte, until time.Time) (int, error) { conn.SetReadDeadline(until); return conn.Read(b) },
	}
}

// text is a REGISTER.
func (u *sipUser) text(proof string) string {
	u.seq++
	return fmt.Sprintf("REGISTER sip:%[1]s SIP/2.0\r\nVia: SIP/2.0/%[6]s %[2]s;rport;branch=z9hG4bK%[3]s%[4]d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:%[3]s@%[1]s>;tag=a\r\nTo: <sip:%[3]s@%[1]s>\r\nCall-ID: of-%[3]s\r\nCSeq: %[4]d REGISTER\r\n"+
		"Contact: <sip:%[3]s@%[2]s>\r\nExpires: 60\r\n%[5]sContent-Length: 0\r\n\r\n", branch.CloudDomain, u.local, u.user, u.seq, proof, u.transport)
}

// ask sends a REGISTER until it is answered, as a phone does.
func (u *sipUser) ask(proof string) (string, error) {
	text := u.text(proof)
	buf := make([]byte, 4096)
	for wait := 500 * time.Millisecond; wait < 16*time.Second; wait *= 2 {
		if err := u.write([]byte(text)); err != nil {
			return "", err
		}
		for until := time.Now().Add(wait); ; {
			n, err := u.read(buf, until)
			if err != nil {
				break
			}
			if answer := string(buf[:n]); strings.Contains(answer, fmt.Sprintf("CSeq: %d REGISTER", u.seq)) {
				return answer, nil
			}
		}
	}
	return "", fmt.Errorf("%s: no answer", u.user)
}

var challengeLine = regexp.MustCompile(`(?m)^WWW-Authenticate: (.*)\r$`)

// register does what a phone does when it is switched on.
func (u *sipUser) register() (proof string, err error) {
	answer, err := u.ask("")
	if err != nil {
		return "", err
	}
	asked := challengeLine.FindStringSubmatch(answer)
	if !strings.HasPrefix(answer, "SIP/2.0 401") || asked == nil {
		return "", fmt.Errorf("%s was answered\n%s", u.user, answer)
	}
	challenge, err := digest.ParseChallenge(asked[1])
	if err != nil {
		return "", err
	}
	credentials, err := digest.Digest(challenge, digest.Options{
		Method: "REGISTER", URI: "sip:" + branch.CloudDomain, Username: u.user, Password: branch.Password(u.user), Count: 1,
	})
	if err != nil {
		return "", err
	}
	proof = "Authorization: " + credentials.String() + "\r\n"
	if answer, err = u.ask(proof); err == nil && !strings.HasPrefix(answer, "SIP/2.0 200") {
		err = fmt.Errorf("%s was answered\n%s", u.user, answer)
	}
	return proof, err
}

func TestAPhoneBehindARouterMaySpeakTLS(t *testing.T) {
	h := hosted(t, &branch.Hosted{Users: 1})
	if _, err := newTLSUser(t, h, h.Behind).register(); err != nil {
		t.Error(err)
	}
}

// A hundred phones behind one address come back after a power cut: none is refused, and their next refreshes stay here.
func TestAHundredPhonesBehindOneAddressRegisterWithinTenSeconds(t *testing.T) {
	const phones = 100
	h := hosted(t, &branch.Hosted{Users: phones})
	users, proofs := make([]*sipUser, phones), make([]string, phones)
	for n := range users {
		users[n] = newUser(t, h, h.Behind, n)
	}
	all := func(f func(n int) error) time.Duration {
		var running sync.WaitGroup
		begun := time.Now()
		for n := range users {
			running.Go(func() {
				if err := f(n); err != nil {
					t.Error(err)
				}
			})
		}
		running.Wait()
		return time.Since(begun)
	}
	took := all(func(n int) (err error) { proofs[n], err = users[n].register(); return err })
	t.Logf("%d phones behind one address registered within %v", phones, took.Round(time.Millisecond))
	if took > 10*time.Second {
		t.Errorf("%d phones took %v to register", phones, took)
	}
	before := len(atPBX(t, h, "REGISTER"))
	took = all(func(n int) error {
		answer, err := users[n].ask(proofs[n])
		if err == nil && !strings.HasPrefix(answer, "SIP/2.0 200") {
			err = fmt.Errorf("%s was answered\n%s", users[n].user, answer)
		}
		return err
	})
	if more := len(atPBX(t, h, "REGISTER")) - before; more > 4 { // the two telephones may have spoken meanwhile
		t.Errorf("of the refreshes %d reached the PBX", more)
	}
	t.Logf("their refreshes were answered within %v", took.Round(time.Millisecond))
	status, err := h.Box.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(status.Refusals) > 0 {
		t.Errorf("refused: %+v", status.Refusals)
	}
}

// A real flood from one address is bounded before it reaches the PBX; phones elsewhere, and those behind it that have
// registered, go on.
func TestAFloodOfRegistrationsIsBounded(t *testing.T) {
	h := hosted(t, &branch.Hosted{Users: 2})
	own := newUser(t, h, h.Lab.Phones[0], 1)
	if _, err := own.register(); err != nil {
		t.Fatal(err)
	}
	flooder := newUser(t, h, h.Behind, 0)
	before := len(atPBX(t, h, "REGISTER"))
	const sent = 20_000
	begun := time.Now()
	for n := range sent {
		if err := flooder.write([]byte(flooder.text(""))); err != nil {
			t.Fatal(err)
		}
		if n%100 == 99 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	took := time.Since(begun)
	pause(t, 1)
	reached := len(atPBX(t, h, "REGISTER")) - before
	t.Logf("of %d registrations within %v %d reached the PBX", sent, took.Round(time.Millisecond), reached)
	if most := 40 + int(took.Seconds()+2); reached > most {
		t.Errorf("%d registrations reached the PBX, want %d at most", reached, most)
	}
	if _, err := own.register(); err != nil {
		t.Errorf("a phone elsewhere: %v", err)
	}
	talk(t, h.Office(), branch.Conversation{From: h.Phones[1], To: h.Phones[0], Number: "101", Seconds: 1.5})
	refusal := false
	status, err := h.Box.Status(t.Context())
	for _, r := range status.Refusals {
		refusal = refusal || r.Rule == "too many requests" && r.Reason != ""
	}
	if err != nil || !refusal {
		t.Errorf("the flood is not shown: %v, %+v", err, status.Refusals)
	}
}
