package main

import (
	"slices"
	"sync"
	"time"
)

// crewRest is how long a goroutine may have nothing to do before it ends.
const crewRest = 5 * time.Second

// crew runs each function on a goroutine of its own, and lets those that have finished take the next one. A call needs some
// kilobytes of stack: a new goroutine has to grow to them step by step, and each time all its frames are copied.
// The zero value is ready.
type crew struct {
	mu    sync.Mutex    // guards everything below
	idle  []chan func() // the last to finish comes last, and is the first to go on: its stack is the warmest
	least int           // how many were idle at least since the last look
	looks bool          // the next look is set
}

// run has f run; it does not wait for it.
func (c *crew) run(f func()) {
	c.mu.Lock()
	last := len(c.idle) - 1
	if last < 0 {
		c.mu.Unlock()
		go c.serve(f)
		return
	}
	next := c.idle[last]
	c.idle = c.idle[:last]
	c.least = min(c.least, last)
	c.mu.Unlock()
	next <- f
}

// serve runs f and what comes after it, until nothing does for a while.
func (c *crew) serve(f func()) {
	next := make(chan func(), 1)
	for ok := true; ok; f, ok = <-next {
		f()
		f = nil // what it holds is not kept
		c.mu.Lock()
		c.idle = append(c.idle, next)
		if !c.looks {
			c.looks, c.least = true, 0
			time.AfterFunc(crewRest, c.look)
		}
		c.mu.Unlock()
	}
}

// look ends those that were not needed since the last look.
func (c *crew) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, next := range c.idle[:c.least] {
		close(next)
	}
	c.idle = slices.Delete(c.idle, 0, c.least)
	c.least = len(c.idle)
	if c.looks = len(c.idle) > 0; c.looks {
		time.AfterFunc(crewRest, c.look)
	}
}
