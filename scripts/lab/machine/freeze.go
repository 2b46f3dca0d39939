package machine

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"
)

// What a processor that hangs does, in the words of a debugger (GDB's remote protocol) for aarch64: all interrupts masked, in a loop
// that leads to itself. The 33rd register is the place, the 34th the state.
const (
	processors = 2
	masked     = "c5030000" // EL1h with DAIF set, little endian
	loop       = "00000014" // b .
	placeAt    = 32 * 16    // digits before the place
	stateAt    = 33 * 16    // and before the state
)

// Freeze has every processor of the machine loop for ever with interrupts off: nothing of its kernel runs any more.
func (m *Machine) Freeze() error {
	err := m.debug(func(d debugger) error {
		for n := range processors {
			if err := d.freeze(n + 1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("freeze the machine: %w", err)
	}
	return nil
}

// debug halts the machine, does something to it, and lets it run on.
func (m *Machine) debug(do func(debugger) error) error {
	conn, err := net.DialTimeout("unix", filepath.Join(m.folder, debuggerName), patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	d := debugger{conn: conn, in: bufio.NewReader(conn)}
	if _, err := d.answer(); err != nil { // that it has halted
		return err
	}
	if err := do(d); err != nil {
		return err
	}
	return d.orders("D")
}

// debugger speaks with QEMU, which has halted the machine as long as it does.
type debugger struct {
	conn net.Conn
	in   *bufio.Reader
}

// freeze writes the loop over what a processor was about to do.
func (d debugger) freeze(processor int) error {
	if _, err := d.ask(fmt.Sprintf("Hg%d", processor)); err != nil {
		return err
	}
	registers, err := d.registers()
	if err != nil {
		return err
	}
	place := backwards(registers[placeAt:stateAt])
	return d.orders("M"+place+",4:"+loop, "G"+registers[:stateAt]+masked+registers[stateAt+len(masked):])
}

// registers are those of the processor that was chosen, in digits.
func (d debugger) registers() (string, error) {
	registers, err := d.ask("g")
	if err == nil && len(registers) < stateAt+len(masked) {
		err = fmt.Errorf("the debugger tells no registers but %q", registers)
	}
	return registers, err
}

// orders has QEMU do one thing after the other.
func (d debugger) orders(list ...string) error {
	for _, words := range list {
		answer, err := d.ask(words)
		if err != nil {
			return fmt.Errorf("tell the debugger %q: %w", words, err)
		}
		if answer != "OK" {
			return fmt.Errorf("the debugger says %q to %q", answer, words)
		}
	}
	return nil
}

// backwards turns pairs of digits around, as numbers are little endian.
func backwards(digits string) string {
	var b strings.Builder
	for i := len(digits) - 2; i >= 0; i -= 2 {
		b.WriteString(digits[i : i+2])
	}
	return b.String()
}

// ask sends "$words#checksum" and returns the words of the answer.
func (d debugger) ask(words string) (string, error) {
	sum := byte(0)
	for _, b := range []byte(words) {
		sum += b
	}
	if _, err := fmt.Fprintf(d.conn, "$%s#%02x", words, sum); err != nil {
		return "", err
	}
	return d.answer()
}

// answer reads what comes next.
func (d debugger) answer() (string, error) {
	if _, err := d.in.ReadString('$'); err != nil { // acknowledgements go before
		return "", err
	}
	answer, err := d.in.ReadString('#')
	if err != nil {
		return "", err
	}
	if _, err := d.in.Discard(2); err != nil {
		return "", err
	}
	_, err = d.conn.Write([]byte("+"))
	return strings.TrimSuffix(answer, "#"), err
}
