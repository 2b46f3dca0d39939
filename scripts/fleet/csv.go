package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"

	"tollgate/firmware/envelope"
)

// The columns that are not for the policy. One of the first two names the box.
const (
	serialColumn    = "serial"
	macColumn       = "mac"
	recipientColumn = "recipient"
)

// maxBoxes is how many lines a list may have.
const maxBoxes = 10_000

// box is one line of the list.
type box struct {
	line      int
	name      string // serial number, or else the MAC address with hyphens: its folder, and whom its files are signed for
	recipient string // may be empty
	cells     map[string]string
}

// fault is something wrong with the list. It never holds a secret.
type fault struct {
	line   int
	column string // may be empty
	what   string
}

func (f fault) String() string {
	if f.column == "" {
		return fmt.Sprintf("line %d: %s", f.line, f.what)
	}
	return fmt.Sprintf("line %d, column %s: %s", f.line, f.column, f.what)
}

// list is a list while it is read.
type list struct {
	columns []string
	boxes   []box
	faults  []fault
	names   map[string]int // line of each box
}

// readList reads a list whose first line names the columns, separated by semicolons, commas or tabs. All faults are returned.
func readList(text string) ([]string, []box, []fault) {
	text = strings.TrimPrefix(text, "\ufeff") // as spreadsheets begin
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord, r.Comma = -1, separator(text)
	l := &list{names: map[string]int{}}
	head, err := r.Read()
	if err != nil {
		return nil, nil, []fault{{1, "", "the list is empty: its first line names the columns, such as serial;recipient;user;password"}}
	}
	l.head(head)
	for len(l.boxes) < maxBoxes && len(l.columns) > 0 {
		record, err := r.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return l.columns, l.boxes, l.faults
		case errors.As(err, &broken):
			l.fault(broken.Line, "", "cannot be read: %v", broken.Err)
			return l.columns, l.boxes, l.faults
		case err != nil:
			l.fault(1, "", "cannot be read")
			return l.columns, l.boxes, l.faults
		}
		line, _ := r.FieldPos(0)
		l.row(line, record)
	}
	if len(l.boxes) == maxBoxes {
		l.fault(l.boxes[maxBoxes-1].line, "", "is the last that is read: a list has %d boxes at most", maxBoxes)
	}
	return l.columns, l.boxes, l.faults
}

// separator is what the columns of the first line stand apart by.
func separator(text string) rune {
	first, _, _ := strings.Cut(text, "\n")
	for _, c := range ";\t" {
		if strings.ContainsRune(first, c) {
			return c
		}
	}
	return ','
}

func (l *list) fault(line int, column, what string, args ...any) {
	l.faults = append(l.faults, fault{line, column, fmt.Sprintf(what, args...)})
}

var (
	columnName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	serialName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
)

func (l *list) head(record []string) {
	seen := map[string]bool{}
	for i, name := range record {
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case !columnName.MatchString(name):
			l.fault(1, fmt.Sprint(i+1), "has no name of letters, digits and underscores")
		case seen[name]:
			l.fault(1, name, "is there twice")
		}
		seen[name] = true
		l.columns = append(l.columns, name)
	}
	if !seen[serialColumn] && !seen[macColumn] {
		l.fault(1, "", "no column is called %s or %s: one of them names the box", serialColumn, macColumn)
	}
}

func (l *list) row(line int, record []string) {
	if len(record) == 1 && strings.TrimSpace(record[0]) == "" {
		return
	}
	if len(record) != len(l.columns) {
		l.fault(line, "", "has %d columns where the first line has %d", len(record), len(l.columns))
		return
	}
	b := box{line: line, cells: map[string]string{}}
	for i, column := range l.columns {
		cell := strings.TrimSpace(record[i])
		if strings.ContainsFunc(cell, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			l.fault(line, column, "holds a character that cannot be printed")
			return
		}
		b.cells[column] = cell
	}
	if !l.named(&b) {
		return
	}
	if b.recipient = b.cells[recipientColumn]; b.recipient != "" {
		if _, err := envelope.Seal(nil, envelope.For{Recipients: []string{b.recipient}}); err != nil {
			l.fault(line, recipientColumn, "is no recipient: a box shows its own on its page and its console, age1 and 58 characters")
		}
	}
	l.boxes = append(l.boxes, b)
}

// named finds out which box a line is for.
func (l *list) named(b *box) bool {
	serial, mac := b.cells[serialColumn], b.cells[macColumn]
	address, err := net.ParseMAC(mac)
	switch {
	case serial == "" && mac == "":
		l.fault(b.line, "", "names no box: fill in %s or %s", serialColumn, macColumn)
		return false
	case serial != "" && !serialName.MatchString(serial):
		l.fault(b.line, serialColumn, "is no serial number: letters, digits, dots and hyphens")
		return false
	case mac != "" && (err != nil || len(address) != 6):
		l.fault(b.line, macColumn, "is no MAC address, such as 02:00:5e:00:53:01")
		return false
	}
	if b.name = serial; serial == "" {
		b.name = strings.ReplaceAll(address.String(), ":", "-")
	}
	if before, twice := l.names[strings.ToLower(b.name)]; twice {
		l.fault(b.line, "", "is for the box of line %d", before)
		return false
	}
	l.names[strings.ToLower(b.name)] = b.line
	return true
}
