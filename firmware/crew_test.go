package main

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// hands is how many goroutines the crew of this bubble has; those of other tests may end at any time.
func hands() (n int) {
	all := make([]byte, 1<<20)
	for one := range strings.SplitSeq(string(all[:runtime.Stack(all, true)]), "\n\n") {
		if strings.Contains(one, "synctest bubble") && strings.Contains(one, "(*crew).serve(") {
			n++
		}
	}
	return n
}

func TestTheCrewRunsEverythingAtOnceAndKeepsTheHandsItNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crew{}
		round := func(together int) {
			var running sync.WaitGroup
			all := make(chan struct{})
			running.Add(together)
			for range together {
				c.run(func() { running.Done(); <-all })
			}
			running.Wait() // would never return if one waited for another
			close(all)
			synctest.Wait()
		}
		round(20)
		round(20)
		if hands() != 20 {
			t.Errorf("%d goroutines after 20 functions at once, twice", hands())
		}
		for range 4 {
			time.Sleep(crewRest / 2)
			round(3)
		}
		if hands() != 3 {
			t.Errorf("%d goroutines after ten seconds with 3 functions at once", hands())
		}
		time.Sleep(2 * crewRest)
		synctest.Wait()
		if hands() != 0 {
			t.Errorf("%d goroutines are left when there is nothing to do", hands())
		}
	})
}
