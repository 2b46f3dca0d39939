package branch_test

import (
	"context"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

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
			if s, err := h.Box.Status(context.Background()); err == nil {
				t.Logf("the box's status: %s", s)
			}
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
			inside := []string{`10\.77\.0\.`}
			for _, a := range []netip.Addr{h.Lab.Net.BoxInside, h.Lab.Phones[0].Address, h.Lab.Phones[1].Address} {
				inside = append(inside, regexp.QuoteMeta(a.String())+`\b`)
			}
			inner := regexp.MustCompile(strings.Join(inside, "|"))
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
			if byes := strings.Join(atPBX(t, h, "BYE"), ""); !strings.Contains(byes, `uri="sip:`+branch.CloudDomain) {
				t.Errorf("no phone has proven its BYE to the PBX:\n%s", byes)
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
	before := granted(t, h)
	if err := h.PBX.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.AwaitPBX(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	handedBack(t, h, before)
	invites := len(atPBX(t, h, "INVITE"))
	phonesTalk(t, h)
	reached(t, h, "INVITE", invites+1)
}

var grantedTo = regexp.MustCompile(`(?s)^SIP/2\.0 200 .*\r\nTo: <sip:(\d+)@.*\r\nCSeq: \d+ REGISTER\r\n`)

// granted counts the registrations that the PBX has accepted, by user.
func granted(t *testing.T, h *branch.Hosted) map[string]int {
	t.Helper()
	messages, err := h.PBX.Messages()
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]int{}
	for _, m := range messages {
		if found := grantedTo.FindStringSubmatch(m.Text); found != nil && !m.Received {
			of[found[1]]++
		}
	}
	return of
}

// handedBack waits until both phones are registered with the PBX again, which has forgotten them: within the minute that
// the box tells them while it is away. What it had granted before it came back is not counted; a phone may well be back
// before the box says that the PBX is, and then says nothing more for minutes.
func handedBack(t *testing.T, h *branch.Hosted, before map[string]int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 75*time.Second)
	defer cancel()
	err := h.Box.Process.Await(ctx, "handing the phones back", func() bool {
		now := granted(t, h)
		return now["101"] > before["101"] && now["102"] > before["102"]
	})
	if err != nil {
		t.Fatal(err)
	}
}
