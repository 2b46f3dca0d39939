package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"
)

// patience is how long QEMU may take for one thing.
const patience = 60 * time.Second

// monitor is how QEMU is told what somebody before a machine would do (QMP). One at a time may speak.
type monitor struct {
	conn   net.Conn
	in     *json.Decoder
	events []event // not asked for yet
}

// event is something that QEMU tells by itself.
type event struct {
	Event string `json:"event"`
	Data  struct {
		Device string `json:"device"`
		Action string `json:"action"`
	} `json:"data"`
}

// command is what QEMU is told.
type command struct {
	Execute   string         `json:"execute"`
	Arguments map[string]any `json:"arguments,omitempty"`
}

// said is a message of QEMU's: an answer or an event.
type said struct {
	event
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`
}

// tell is the machine's monitor. It is not reached before it is needed: whoever comes while QEMU still starts is never greeted.
func (m *Machine) tell() (*monitor, error) {
	if m.monitor == nil {
		var err error
		if m.monitor, err = openMonitor(m.folder); err != nil {
			return nil, err
		}
	}
	return m.monitor, nil
}

// do has QEMU do something with the machine.
func (m *Machine) do(what string, with map[string]any) error {
	t, err := m.tell()
	if err != nil {
		return err
	}
	return t.do(what, with)
}

// openMonitor finds the socket of a machine that runs.
func openMonitor(folder string) (*monitor, error) {
	conn, err := net.DialTimeout("unix", filepath.Join(folder, socketName), patience)
	if err != nil {
		return nil, fmt.Errorf("reach QEMU's monitor: %w", err)
	}
	m := &monitor{conn: conn, in: json.NewDecoder(conn)}
	_ = conn.SetDeadline(time.Now().Add(patience))
	var greeting json.RawMessage
	if err := m.in.Decode(&greeting); err != nil {
		return nil, errors.Join(fmt.Errorf("reach QEMU's monitor: %w", err), conn.Close())
	}
	return m, m.do("qmp_capabilities", nil)
}

// do has QEMU do something, and waits until it says that it has.
func (m *monitor) do(what string, with map[string]any) error {
	_, err := m.ask(what, with)
	return err
}

// ask is do for what has an answer.
func (m *monitor) ask(what string, with map[string]any) (json.RawMessage, error) {
	_ = m.conn.SetDeadline(time.Now().Add(patience))
	if err := json.NewEncoder(m.conn).Encode(command{what, with}); err != nil {
		return nil, fmt.Errorf("tell QEMU %s: %w", what, err)
	}
	for {
		var s said
		switch err := m.in.Decode(&s); {
		case err != nil:
			return nil, fmt.Errorf("tell QEMU %s: %w", what, err)
		case s.Error != nil:
			return nil, fmt.Errorf("tell QEMU %s: %s", what, s.Error.Desc)
		case s.Return != nil:
			return s.Return, nil
		}
		m.events = append(m.events, s.event)
	}
}

// await waits until QEMU tells of something.
func (m *monitor) await(patience time.Duration, what string, is func(event) bool) error {
	_ = m.conn.SetDeadline(time.Now().Add(patience))
	for {
		for len(m.events) > 0 {
			e := m.events[0]
			m.events = m.events[1:]
			if is(e) {
				return nil
			}
		}
		var s said
		if err := m.in.Decode(&s); err != nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
		m.events = append(m.events, s.event)
	}
}

// Plug puts a file as a stick into the machine's USB port; name tells it from others.
func (m *Machine) Plug(name, disk string) error {
	if err := m.do("blockdev-add", map[string]any{
		"node-name": name + "-disk", "driver": "raw", "file": map[string]any{"driver": "file", "filename": disk},
	}); err != nil {
		return err
	}
	return m.do("device_add", map[string]any{"driver": "usb-storage", "bus": "usb.0", "drive": name + "-disk", "id": name})
}

// Unplug pulls a stick out. What was written to it is in its file.
func (m *Machine) Unplug(name string) error {
	if err := m.do("device_del", map[string]any{"id": name}); err != nil {
		return err
	}
	if err := m.monitor.await(patience, "the stick to be out", func(e event) bool { return e.Event == "DEVICE_DELETED" && e.Data.Device == name }); err != nil {
		return err
	}
	return m.do("blockdev-del", map[string]any{"node-name": name + "-disk"})
}

// PlugKeyboard puts a keyboard into the machine's USB port, as a stick does that is not what it looks like. It stays there.
func (m *Machine) PlugKeyboard(name string) error {
	return m.do("device_add", map[string]any{"driver": "usb-kbd", "bus": "usb.0", "id": name})
}

// Type presses keys, by QEMU's names, one after the other.
func (m *Machine) Type(keys ...string) error {
	for _, k := range keys {
		if err := m.do("send-key", map[string]any{"keys": []any{map[string]any{"type": "qcode", "data": k}}}); err != nil {
			return err
		}
	}
	return nil
}

// AwaitWatchdog waits until the watchdog has reset the machine.
func (m *Machine) AwaitWatchdog(within time.Duration) error {
	t, err := m.tell()
	if err != nil {
		return err
	}
	return t.await(within, "the watchdog to reset the machine", func(e event) bool { return e.Event == "WATCHDOG" && e.Data.Action == "reset" })
}

// Written is how many octets the machine has written to its disk since it was switched on.
func (m *Machine) Written() (int64, error) {
	t, err := m.tell()
	if err != nil {
		return 0, err
	}
	answer, err := t.ask("query-blockstats", nil)
	if err != nil {
		return 0, err
	}
	var all []struct {
		Device string `json:"device"`
		Stats  struct {
			Written int64 `json:"wr_bytes"`
		} `json:"stats"`
	}
	if err := json.Unmarshal(answer, &all); err != nil {
		return 0, fmt.Errorf("ask QEMU what was written: %w", err)
	}
	for _, d := range all {
		if d.Device == "disk" {
			return d.Stats.Written, nil
		}
	}
	return 0, errors.New("QEMU does not say what was written to the disk")
}
