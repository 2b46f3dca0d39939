package branch_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/icholy/digest"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
)

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

var registerOf = regexp.MustCompile(`(?s)\r\nTo: <sip:(\d+)@.*\r\nCSeq: (\d+) REGISTER\r\n`)

// registrations are the REGISTERs that the PBX has received, by user: their CSeq, repetitions left out.
func registrations(t *testing.T, h *branch.Hosted) map[string][]int {
	t.Helper()
	of := map[string][]int{}
	for _, m := range atPBX(t, h, "REGISTER") {
		found := registerOf.FindStringSubmatch(m)
		if found == nil {
			t.Fatalf("a REGISTER without user or number:\n%s", m)
		}
		seq, _ := strconv.Atoi(found[2])
		if user := found[1]; !slices.Contains(of[user], seq) {
			of[user] = append(of[user], seq)
		}
	}
	return of
}

// allWritten waits until everything is written down that the PBX has received by now: it writes beside its work, some
// moments later, but in order, so that what it has not heard of is known once it shows a question of another user, which
// comes without proof and so is never answered by the box.
func allWritten(t *testing.T, h *branch.Hosted, last *sipUser) {
	t.Helper()
	question := last.seq + 1
	if _, err := last.register(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), branch.Patience)
	defer cancel()
	if err := h.Box.Process.Await(ctx, "registering the last", func() bool { return slices.Contains(registrations(t, h)[last.user], question) }); err != nil {
		t.Fatal(err)
	}
}

// A hundred phones behind one address come back after a power cut: none is refused, and their next refreshes stay here.
func TestAHundredPhonesBehindOneAddressRegisterWithinTenSeconds(t *testing.T) {
	const phones = 100
	h := hosted(t, &branch.Hosted{Users: phones + 1})
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
	took = all(func(n int) error {
		answer, err := users[n].ask(proofs[n])
		if err == nil && !strings.HasPrefix(answer, "SIP/2.0 200") {
			err = fmt.Errorf("%s was answered\n%s", users[n].user, answer)
		}
		return err
	})
	allWritten(t, h, newUser(t, h, h.Behind, phones))
	for of, n := registrations(t, h), 0; n < phones; n++ { // without proof and with it
		if user := users[n].user; !slices.Equal(of[user], []int{1, 2}) {
			t.Errorf("the PBX saw the REGISTERs %v of user %s, want 1 and 2", of[user], user)
		}
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
	allWritten(t, h, own) // a phone elsewhere
	reached := len(registrations(t, h)[flooder.user])
	t.Logf("of %d registrations within %v %d reached the PBX", sent, took.Round(time.Millisecond), reached)
	if most := 40 + int(took.Seconds()+2); reached > most {
		t.Errorf("%d registrations reached the PBX, want %d at most", reached, most)
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
