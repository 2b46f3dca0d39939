package machine

import (
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Crash has the program end in the middle of its work, as by a fault of the processor or of the memory: when it next comes to the
// function where, it goes on at runtime.abort, which Go survives nowhere. program is the file that is in the image; of the processes
// that are made of it, only one may ever come to that function.
func (m *Machine) Crash(program, where string) error {
	from, to, err := places(program, where, "runtime.abort")
	if err != nil {
		return fmt.Errorf("crash the program: %w", err)
	}
	err = m.debug(func(d debugger) error {
		if err := d.orders(fmt.Sprintf("Z0,%x,4", from)); err != nil {
			return err
		}
		stopped, err := d.ask("c")
		if err != nil {
			return err
		}
		_, thread, _ := strings.Cut(stopped, "thread:")
		thread, _, found := strings.Cut(thread, ";")
		if !found {
			return fmt.Errorf("the debugger does not say which processor came to %s: %q", where, stopped)
		}
		return errors.Join(d.goOn(thread, to), d.orders(fmt.Sprintf("z0,%x,4", from)))
	})
	if err != nil {
		return fmt.Errorf("crash the program: %w", err)
	}
	return nil
}

// goOn has a processor go on at a place.
func (d debugger) goOn(thread string, to uint64) error {
	if err := d.orders("Hg" + thread); err != nil {
		return err
	}
	registers, err := d.registers()
	if err != nil {
		return err
	}
	place := hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, to))
	return d.orders("G" + registers[:placeAt] + place + registers[stateAt:])
}

// places are where two functions of a Go program begin. It tells even when it has no symbols.
func places(program, one, another string) (uint64, uint64, error) {
	f, err := elf.Open(program)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	text, lines := f.Section(".text"), f.Section(".gopclntab")
	if text == nil || lines == nil {
		return 0, 0, fmt.Errorf("%s is no program in Go", program)
	}
	data, err := lines.Data()
	if err != nil {
		return 0, 0, err
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
	if err != nil {
		return 0, 0, err
	}
	first, second := table.LookupFunc(one), table.LookupFunc(another)
	if first == nil || second == nil {
		return 0, 0, fmt.Errorf("%s has no function %s or %s", program, one, another)
	}
	return first.Entry, second.Entry, nil
}
