package api

import (
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"
)

func TestASessionEndsWhenItIsIdleForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newSessions(rand.Reader)
		token, _, err := table.open("admin", false)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(sessionIdle - time.Second)
			if _, ok := table.find(token, true); !ok {
				t.Fatal("ended although it was used")
			}
		}
		time.Sleep(sessionIdle)
		if _, ok := table.find(token, true); ok {
			t.Error("still there after an idle hour")
		}
		if len(table.byKey) != 0 {
			t.Error("an ended session is kept in memory")
		}
	})
}

func TestAnEventStreamDoesNotKeepASessionAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newSessions(rand.Reader)
		token, s, err := table.open("admin", false)
		if err != nil {
			t.Fatal(err)
		}
		for range 59 {
			time.Sleep(time.Minute)
			if _, ok := table.find(token, false); !ok || !table.alive(s.key) {
				t.Fatal("ended early")
			}
		}
		time.Sleep(time.Minute)
		if table.alive(s.key) {
			t.Error("looking on counted as a request")
		}
	})
}

func TestASessionEndsAfterTwelveHoursInAnyCase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newSessions(rand.Reader)
		token, _, err := table.open("admin", false)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		for time.Since(begin) < sessionAbsolute-time.Minute {
			time.Sleep(30 * time.Second)
			if _, ok := table.find(token, true); !ok {
				t.Fatalf("ended after %v", time.Since(begin))
			}
		}
		time.Sleep(time.Minute)
		if _, ok := table.find(token, true); ok {
			t.Error("still there after twelve hours")
		}
	})
}

func TestTheQuietestSessionMakesRoomForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newSessions(rand.Reader)
		var tokens []string
		for range maxSessions {
			token, _, err := table.open("admin", false)
			if err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, token)
			time.Sleep(time.Second)
		}
		table.find(tokens[0], true)
		if _, _, err := table.open("admin", false); err != nil {
			t.Fatal(err)
		}
		if _, ok := table.find(tokens[0], false); !ok {
			t.Error("the one just used had to go")
		}
		if _, ok := table.find(tokens[1], false); ok {
			t.Error("the quietest one is still there")
		}
	})
}

func TestTheTableOfSessionsHoldsNoToken(t *testing.T) {
	table := newSessions(rand.Reader)
	token, _, err := table.open("admin", false)
	if err != nil {
		t.Fatal(err)
	}
	if len(token) < 43 {
		t.Errorf("token %q has less than 256 bits", token)
	}
	for key := range table.byKey {
		if _, ok := table.find(string(key[:]), false); ok {
			t.Error("the key of the table opens the session")
		}
	}
}
