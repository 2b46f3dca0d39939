package store

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The test binary is its own child: with these set it works on a store until it is killed.
const (
	childPath = "TOLLGATE_STORE_CHILD"
	childRole = "TOLLGATE_STORE_ROLE"
)

func TestMain(m *testing.M) {
	path := os.Getenv(childPath)
	if path == "" {
		os.Exit(m.Run())
	}
	if err := child(path, os.Getenv(childRole)); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

// child tells each step on its standard output before it takes it and after it has taken it.
func child(path, role string) error {
	fmt.Println("opening")
	s, err := Open(path)
	if err != nil {
		return err
	}
	fmt.Println("open")
	if role == "hold" {
		time.Sleep(time.Minute)
		return errors.New("nobody killed me")
	}
	for {
		if err := importOne(s); err != nil {
			return err
		}
	}
}

func importOne(s *Store) error {
	last, err := s.Revisions(1)
	if err != nil {
		return err
	}
	next := uint64(1)
	if len(last) > 0 {
		next = last[0].Number + 1
	}
	fmt.Println("importing", next)
	r, err := s.Propose(documentOf(next), "child", "test", time.Now(), time.Time{})
	if err != nil {
		return err
	}
	if r.Number != next {
		return fmt.Errorf("revision %d, want %d", r.Number, next)
	}
	if next%5 == 0 {
		return s.Revert(next, "every fifth", time.Now())
	}
	if err := s.Confirm(next, time.Now()); err != nil {
		return err
	}
	fmt.Println("confirmed", next)
	return nil
}

// documentOf returns what revision n holds: from a few bytes to many pages, different for each.
func documentOf(n uint64) []byte {
	line := fmt.Sprintf("revision %d\n", n)
	return bytes.Repeat([]byte(line), 1+int(n*7919%4000))
}

// steps is what a child told.
type steps struct {
	importing, confirmed uint64
	opening, open        bool
	err                  string
}

func (s *steps) read(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "opening":
		s.opening = true
	case "open":
		s.open = true
	case "importing":
		_, _ = fmt.Sscan(rest, &s.importing)
	case "confirmed":
		_, _ = fmt.Sscan(rest, &s.confirmed)
	default:
		s.err = line
	}
}

// startChild starts a child and returns how to wait for a line and how to kill it.
func startChild(t *testing.T, path, role string) (until func(line string), kill func() steps) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childPath+"="+path, childRole+"="+role)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var told steps
	until = func(line string) {
		for lines.Scan() {
			if told.read(lines.Text()); lines.Text() == line {
				return
			}
		}
		t.Errorf("the child ended: %s", told.err)
	}
	kill = func() steps {
		_ = cmd.Process.Kill()
		for lines.Scan() {
			told.read(lines.Text())
		}
		_ = cmd.Wait()
		return told
	}
	return until, kill
}
