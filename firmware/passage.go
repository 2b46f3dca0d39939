package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"tollgate/board/link"
	"tollgate/firmware/apply"
	"tollgate/firmware/policy"
)

// How the system's switches were before packets were passed on is kept under this kind and key, so that a process that was killed
// leaves nothing on for good.
const (
	switchesKind = "switches"
	switchesKey  = "found"
)

// bootPath tells one run of the system from the next, which begins with switches of its own.
const bootPath = "/proc/sys/kernel/random/boot_id"

// foundSwitches is what was found, and in which run of the system.
type foundSwitches struct {
	Boot  string       `json:"boot"`
	Found []link.Found `json:"found"`
}

// openPassage takes over the switches that a killed process has left on. The filter's rules are as it left them too: until the
// policy is in force here, what they let through goes on, and nothing else does.
func (b *box) openPassage() error {
	boot, err := os.ReadFile(bootPath)
	if err != nil {
		return fmt.Errorf("tell this run of the system from others: %w", err)
	}
	now := strings.TrimSpace(string(boot))
	b.forwarder.Keep = func(found []link.Found) error { return b.keepSwitches(foundSwitches{now, found}) }
	value, kept, err := b.store.Get(switchesKind, switchesKey)
	if err != nil || !kept {
		return err
	}
	var left foundSwitches
	if err := json.Unmarshal(value, &left); err != nil {
		return fmt.Errorf("read how the system was: %w", err)
	}
	if left.Boot == now {
		b.forwarder.Resume(left.Found)
	}
	return nil
}

func (b *box) keepSwitches(f foundSwitches) error {
	if len(f.Found) == 0 {
		return b.store.Delete(switchesKind, switchesKey)
	}
	value, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("write down how the system was: %w", err)
	}
	return b.store.Put(switchesKind, switchesKey, value)
}

// setPassage comes after the packet filter, which decides what passes.
func (b *box) setPassage(_ context.Context, p *policy.Policy) error {
	return b.forwarder.Set(apply.Forwarding(p))
}
