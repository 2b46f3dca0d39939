package branch_test

import (
	"context"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/peer"
)

// registered waits until the box says that the PBX is there, or is not.
func registered(t *testing.T, b *branch.Branch, want bool) {
	t.Helper()
	what := "without its PBX"
	if want {
		what = "with its PBX registered"
	}
	err := b.Box.Await(t.Context(), what, func(s branch.Status) bool {
		return s.PBX.Registered() == want && (want || s.PBX.Reason != "")
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAPBXMayRegisterAsWithACarrier(t *testing.T) {
	for _, transport := range []string{"udp", "tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			b := build(t, branch.Wishes{PBXTransport: transport, PBXRegisters: true})
			registered(t, b, true)
			bothWays(t, b)
			status, err := b.Box.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(status.PBX.Address, b.Lab.Net.PBX.String()+":") {
				t.Errorf("the PBX is shown at %q", status.PBX.Address)
			}
			checkRegistration(t, b)
		})
	}
}

// checkRegistration looks at what the PBX itself saw: a challenge, a lifetime, and calls to the Contact it gave.
func checkRegistration(t *testing.T, b *branch.Branch) {
	t.Helper()
	messages, err := b.PBX.Messages()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range messages {
		text := strings.ToLower(m.Text)
		switch {
		case !m.Received || m.Source.Addr() != b.Lab.Net.BoxInside:
		case strings.HasPrefix(text, "sip/2.0 401") && strings.Contains(text, " register"):
			seen["challenge"] = true
		case strings.HasPrefix(text, "sip/2.0 200") && strings.Contains(text, " register"):
			seen["lifetime"] = strings.Contains(text, "contact: <sip:line-to-the-box@") && strings.Contains(text, "expires=60")
		case strings.HasPrefix(text, "invite sip:+33123456702@"+b.Lab.Net.PBX.String()+":5060;transport="+b.Wishes.PBXTransport):
			seen["call to the Contact"] = true
		}
	}
	for _, what := range []string{"challenge", "lifetime", "call to the Contact"} {
		if !seen[what] {
			t.Errorf("the PBX saw no %s", what)
		}
	}
}

// A telephone that registers is the smallest PBX there is. Baresip knows no digest but MD5, gives up at others, and takes
// calls to its Contact alone.
func TestATelephoneMayBeThePBX(t *testing.T) {
	b := build(t, branch.Wishes{PBXRegisters: true, PBXContact: true, PBXOnlyMD5: true, NoOffice: true})
	phone := &peer.Phone{
		Host: b.Lab.PBX, Name: "gateway", Login: b.PBXLogin(), AOR: "pbx@" + b.Lab.Net.BoxInside.String(),
		Registrar: netip.AddrPortFrom(b.Lab.Net.BoxInside, 5060), Transport: "udp", Tone: 620,
	}
	b.Phones = append(b.Phones, phone)
	if err := phone.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	registered(t, b, true)
	talk(t, b, branch.Conversation{From: b.Subscribers[1], To: phone, Number: "+33123456702", Seconds: 1.5})
	talk(t, b, branch.Conversation{From: phone, To: b.Subscribers[0], Number: "0987654321", Seconds: 1.5, CalledHangsUp: true})
	phone.Stop() // takes its registration back
	registered(t, b, false)
}

func TestAPBXThatRegistersWithAWrongSecretIsRefusedAndShown(t *testing.T) {
	b := build(t, branch.Wishes{PBXRegisters: true, PBXPassword: "guessed"})
	refused(t, b, "digest")
	registered(t, b, false)
	in := b.Incoming()
	if err := in.From.Dial(t.Context(), in.Number); err == nil || !strings.Contains(err.Error(), "480") {
		t.Errorf("a call to a PBX that never registered ended with %v, want 480", err)
	}
	refused(t, b, "not registered yet")
}

func TestCallsOverflowWhileThePBXIsSwitchedOff(t *testing.T) {
	b := build(t, branch.Wishes{PBXTransport: "tcp", PBXRegisters: true, Overflow: "+33987654321"})
	registered(t, b, true)
	b.PBX.Stop()
	registered(t, b, false)

	c := b.Incoming() // of the carrier's second subscriber, to the office
	c.To = b.Subscribers[0]
	c.Seconds = 1.5
	c.During = func(context.Context) error {
		status, err := b.Box.Status(t.Context())
		if err != nil {
			return err
		}
		if len(status.Calls) != 1 || status.Calls[0].Direction != "through" || status.Calls[0].To != "+33987654321" {
			t.Errorf("shown while it overflows: %+v", status.Calls)
		}
		return nil
	}
	talk(t, b, c)
	presentedBy(t, b, "+33123456702")
	if err := b.Box.AwaitRest(t.Context()); err != nil {
		t.Error(err)
	}

	if err := b.PBX.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	registered(t, b, true)
}

func TestCallsOverflowWhenNothingComesBackFromTheOffice(t *testing.T) {
	b := build(t, branch.Wishes{PBXRegisters: true, Overflow: "+33987654321"})
	registered(t, b, true)
	link := func(state string) {
		out, err := exec.Command("ip", "-n", b.Lab.PBX.Namespace, "link", "set", "dev", b.Lab.PBX.Link, state).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	link("down")
	c := b.Incoming()
	c.To = b.Subscribers[0]
	c.Seconds = 1.5
	begun := time.Now()
	talk(t, b, c)
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the caller waited for %v in all", took)
	}
	link("up")
	back := b.Incoming()
	back.Seconds = 1.5
	talk(t, b, back) // the registration has not lapsed meanwhile
}

// presentedBy checks that the call that left again showed the number of ours that was called.
func presentedBy(t *testing.T, b *branch.Branch, number string) {
	t.Helper()
	messages, err := b.Carrier.Messages()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if m.Received && m.Source.Addr() == b.Lab.BoxPublic() && strings.HasPrefix(m.Text, "INVITE sip:+33987654321@") {
			if !strings.Contains(m.Text, "P-Asserted-Identity: <sip:"+number+"@") {
				t.Errorf("the carrier was shown another number:\n%s", m.Text)
			}
			return
		}
	}
	t.Error("no call left again")
}
