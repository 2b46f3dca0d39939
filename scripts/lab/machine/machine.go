// Package machine runs an image in QEMU's machines "virt" and "raspi3b" (aarch64, emulated in software), as a box on a desk would run it: power,
// a serial console that is read along, network ports, a disk that stays as it is when the power is cut.
//
// It leaves to others what is plugged into the network ports and what is proved.
package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Config says what machine it is.
type Config struct {
	Disk     string // file; written to
	Firmware string // U-Boot; default: Debian's
	Memory   int    // MiB; default 512
	Ports    []Port
	Folder   string // for sockets
	// Raspberry makes it a Raspberry Pi 3 instead; nil: it is "virt".
	Raspberry *Raspberry
	// Words are further arguments of QEMU's.
	Words []string
}

// Raspberry is what a Raspberry Pi's own firmware, which is not emulated, would load from the card.
type Raspberry struct {
	Kernel, Tree, System string // files
	Words                string // command line
}

// Port is a network port. Without Tap, QEMU gives the machine an address by DHCP and passes connections on.
type Port struct {
	MAC     string
	Tap     *os.File
	Forward map[int]int // port at 127.0.0.1 -> TCP port of the machine
}

// A port is at PCI, where the first is eth0: checksums are whole on every packet, as they are on a cable, and nothing is started from
// the network. A Raspberry Pi has USB only.
const (
	virtPort = "virtio-net-pci,netdev=port%d,mac=%s,romfile=,guest_csum=off"
	usbPort  = "usb-net,netdev=port%d,mac=%s"
)

const usualFirmware = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"

// Machine is one that runs, or has run.
type Machine struct {
	Begun time.Time // when the power came

	command *exec.Cmd
	done    chan struct{}
	folder  string
	monitor *monitor // nil: not reached yet

	mu      sync.Mutex // guards what follows
	console strings.Builder
	changed chan struct{} // closed and replaced when console grows
}

// The sockets in the machine's folder.
const (
	socketName   = "qmp"
	debuggerName = "gdb"
	wiresName    = "wires"
)

// Start switches a machine on.
func Start(c Config) (*Machine, error) {
	if err := errors.Join(forget(c.Folder, socketName), forget(c.Folder, debuggerName), forget(c.Folder, wiresName)); err != nil {
		return nil, err
	}
	if c.Firmware == "" {
		c.Firmware = usualFirmware
	}
	if c.Memory == 0 {
		c.Memory = 512
	}
	m := &Machine{done: make(chan struct{}), changed: make(chan struct{}), folder: c.Folder}
	m.command = exec.Command("qemu-system-aarch64", arguments(c)...)
	m.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	m.command.Stdout, m.command.Stderr = m, m
	for _, p := range c.Ports {
		if p.Tap != nil {
			m.command.ExtraFiles = append(m.command.ExtraFiles, p.Tap)
		}
	}
	m.Begun = time.Now()
	if err := m.command.Start(); err != nil {
		return nil, fmt.Errorf("switch the machine on: %w", err)
	}
	go func() {
		_ = m.command.Wait()
		close(m.done)
	}()
	return m, nil
}

// forget removes the socket of a machine that was there before.
func forget(folder, name string) error {
	if err := os.Remove(filepath.Join(folder, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func arguments(c Config) []string {
	args, portDevice := virt(c), virtPort
	if c.Raspberry != nil {
		args, portDevice = raspberry(c), usbPort
	}
	args = append(args,
		"-display", "none", "-monitor", "none",
		"-qmp", "unix:"+c.Folder+"/"+socketName+",server=on,wait=off",
		"-gdb", "unix:"+c.Folder+"/"+debuggerName+",server=on,wait=off",
	)
	taps := 0
	for i, p := range c.Ports {
		backend := "user"
		for here, there := range p.Forward {
			backend += fmt.Sprintf(",hostfwd=tcp:127.0.0.1:%d-:%d", here, there)
		}
		if p.Tap != nil {
			backend = fmt.Sprintf("tap,fd=%d", 3+taps) // the first file after the standard ones
			taps++
		}
		args = append(args, "-netdev", fmt.Sprintf("%s,id=port%d", backend, i), "-device", fmt.Sprintf(portDevice, i, p.MAC))
	}
	if len(c.Ports) == 0 {
		args = append(args, "-net", "none")
	}
	return append(args, c.Words...)
}

// virt has its power button at the GPIO controller, as boards have theirs, only where it is not asked for ACPI, which nobody here reads.
func virt(c Config) []string {
	return []string{
		"-M", "virt,acpi=off", "-cpu", "cortex-a72", "-smp", fmt.Sprint(processors), "-m", fmt.Sprint(c.Memory), "-bios", c.Firmware, "-serial", "stdio",
		"-drive", "file=" + c.Disk + ",format=raw,if=none,id=disk,cache=writethrough", "-device", "virtio-blk-device,drive=disk",
		"-device", "i6300esb", "-action", "watchdog=reset", "-device", "qemu-xhci,id=usb",
		"-qtest", "unix:" + c.Folder + "/" + wiresName + ",server=on,wait=off", "-qtest-log", "none",
	}
}

// raspberry has its console at the second serial port, as the real one has at its header.
func raspberry(c Config) []string {
	pi := c.Raspberry
	return []string{
		"-M", "raspi3b", "-kernel", pi.Kernel, "-dtb", pi.Tree, "-initrd", pi.System, "-append", pi.Words, "-serial", "null", "-serial", "stdio",
		"-drive", "file=" + c.Disk + ",format=raw,if=sd,cache=writethrough",
	}
}

// Write takes what the machine prints on its console; for QEMU alone.
func (m *Machine) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.console.Write(b)
	close(m.changed)
	m.changed = make(chan struct{})
	return len(b), nil
}

// Console is what was printed so far.
func (m *Machine) Console() string {
	text, _ := m.look()
	return text
}

func (m *Machine) look() (string, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.ReplaceAll(m.console.String(), "\r", ""), m.changed
}

// ErrOff is what Await says of a machine that is off.
var ErrOff = errors.New("the machine is off")

// Await waits until the console shows text n times, and returns how long after power-on that was.
func (m *Machine) Await(ctx context.Context, text string, n int) (time.Duration, error) {
	for {
		console, changed := m.look()
		if strings.Count(console, text) >= n {
			return time.Since(m.Begun), nil
		}
		select {
		case <-changed:
		case <-m.done:
			return 0, fmt.Errorf("waiting for %q: %w", text, ErrOff)
		case <-ctx.Done():
			return 0, fmt.Errorf("waiting for %q on the console: %w", text, context.Cause(ctx))
		}
	}
}

// Cut cuts the power: what the machine has not written to its disk is lost. It may be called twice.
func (m *Machine) Cut() {
	_ = syscall.Kill(-m.command.Process.Pid, syscall.SIGKILL)
	<-m.done
	if m.monitor != nil {
		_ = m.monitor.conn.Close()
	}
}
