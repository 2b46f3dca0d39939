package ua

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestATransactionThatIsOverLeavesNothingBehindAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far, end := pair(t, func(in *Incoming) {
			in.Refuse(Reply{Status: 486})
			in.Inbox.Close()
		})
		box, _ := call(t, near, end, nil)
		statuses(t, box)
		box.Close()
		synctest.Wait()
		if near.asked.size() != 1 || far.answered.size() != 1 {
			t.Errorf("kept: %d asked, %d answered; want one each", near.asked.size(), far.answered.size())
		}
		time.Sleep(35 * time.Second)
		synctest.Wait()
		for name, c := range map[string]*Core{"caller": near, "callee": far} {
			if left := len(c.clients) + len(c.servers) + c.asked.size() + c.answered.size(); left != 0 {
				t.Errorf("%s: %d things are left of the call", name, left)
			}
		}
	})
}

func (s *echoes) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(len(s.byKey), len(s.queue))
}

func TestARefusalIsRepeatedUntilItsACKAndNoLonger(t *testing.T) {
	for _, lost := range []int{0, 3, 1000} {
		t.Run(fmt.Sprintf("%d ACKs lost", lost), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, _, end := pair(t, func(in *Incoming) {
					in.Refuse(Reply{Status: 486})
					in.Inbox.Close()
				})
				acks := 0
				end.Lose = func(m string) bool {
					if strings.HasPrefix(m, "ACK ") {
						acks++
						return acks <= lost
					}
					return false
				}
				box, _ := call(t, near, end, nil)
				statuses(t, box)
				box.Close()
				time.Sleep(2 * time.Minute)
				// 0.5, 1, 2, 4, 4 ... s apart until 32 s (RFC 3261 §17.2.1).
				if got, want := end.Far().Count("SIP/2.0 486"), min(lost+1, 11); got != want {
					t.Errorf("486 sent %d times, want %d", got, want)
				}
			})
		})
	}
}

func TestAFloodOfTransactionsForgetsTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(nil, slog.New(slog.DiscardHandler))
		for i := range maxEchoes + 1000 {
			c.answered.put(&echo{key: fmt.Sprint(i)})
		}
		if n := len(c.answered.byKey); n != maxEchoes {
			t.Errorf("%d are kept, want %d", n, maxEchoes)
		}
		if c.answered.find("999") != nil || c.answered.find("1000") == nil {
			t.Error("it is not the oldest that were forgotten")
		}
	})
}
