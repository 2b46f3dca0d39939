package main

import (
	"sync"
	"time"

	"tollgate/firmware/api"
)

// chassis shows the page's tests a Raspberry Pi that is too hot, whose program has ended once before its time.
type chassis struct {
	mu        sync.Mutex // guards dismissed
	dismissed bool
}

func (c *chassis) Hardware() api.Hardware {
	c.mu.Lock()
	defer c.mu.Unlock()
	degrees, weak := 79.5, false
	return api.Hardware{
		Model: "Raspberry Pi 4 Model B Rev 1.4", Kind: "Raspberry Pi 4", Serial: "10000000deadbeef", Revision: "c03114", Temperature: &degrees, UnderVoltage: &weak, Button: true,
		Worries: []string{"too-hot"},
		Crashes: []api.Crash{{
			At: time.Date(2026, 3, 1, 21, 4, 0, 0, time.UTC), LastedSeconds: 93_600, How: "exit code 2", Version: "1.0.0 (5d0e62c)",
			Text: "panic: runtime error: index out of range [3] with length 3\n\ngoroutine 41 [running]:\ntollgate/firmware/call.(*Session).answer(...)\n", Dismissed: c.dismissed,
		}},
	}
}

// worries are the same on the overview.
func (c *chassis) worries() []api.Worry {
	h := c.Hardware()
	list := []api.Worry{}
	if crash := h.Crashes[0]; !crash.Dismissed {
		list = append(list, api.Worry{What: api.WorryCrash, Since: crash.At, Reason: "the program has ended before its time: " + crash.How})
	}
	for _, what := range h.Worries {
		list = append(list, api.Worry{What: what, Since: h.Crashes[0].At.Add(time.Hour), Reason: "the box is too hot"})
	}
	return list
}

func (c *chassis) Dismiss(string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dismissed = true
	return nil
}
