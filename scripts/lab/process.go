package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Process is a program running on a Host. Its output goes to Log.
type Process struct {
	Name string
	Log  string // file

	cmd  *exec.Cmd
	done chan struct{}
	err  error // after done
}

// Start runs a program on the host, in a process group of its own so that a Ctrl-C at the terminal does not reach it
// before its turn.
func (h *Host) Start(name, program string, args ...string) (*Process, error) {
	p := &Process{Name: name, Log: h.lab.Path(name + ".log"), done: make(chan struct{})}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close()
	p.cmd = exec.Command("ip", append([]string{"netns", "exec", h.Namespace, program}, args...)...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	h.lab.processes = append(h.lab.processes, p)
	return p, nil
}

// PID is the id of the program itself: ip-netns(8) becomes it.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// ExitCode is the program's exit code after Done; -1 when a signal ended it.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Stop sends SIGTERM, waits for patience, then kills the program and its children.
func (p *Process) Stop(patience time.Duration) {
	_ = syscall.Kill(p.PID(), syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
		<-p.done
	}
}

// Signal sends a signal to the program.
func (p *Process) Signal(s syscall.Signal) error { return syscall.Kill(p.PID(), s) }

// Output returns what the program has printed so far.
func (p *Process) Output() string {
	b, _ := os.ReadFile(p.Log)
	return string(b)
}

// Await waits until ready says yes, and fails when the program ends or ctx does; the error ends with the last lines
// the program printed.
func (p *Process) Await(ctx context.Context, what string, ready func() bool) error {
	for !ready() {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended (%v) before it was %s; its last words:\n%s", p.Name, p.err, what, p.Tail(12))
		case <-ctx.Done():
			return fmt.Errorf("%s is not %s: %w; its last words:\n%s", p.Name, what, context.Cause(ctx), p.Tail(12))
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// Tail returns the last lines of the output, indented.
func (p *Process) Tail(lines int) string {
	all := strings.Split(strings.TrimRight(p.Output(), "\n"), "\n")
	return "    " + strings.Join(all[max(0, len(all)-lines):], "\n    ")
}

// Capture runs tcpdump on an interface of the host until it is stopped. When it returns, packets are being written.
func (h *Host) Capture(ctx context.Context, link, file string) (*Process, error) {
	p, err := h.Start("tcpdump-"+h.Name+"-"+link, "tcpdump", "-Z", "root", "-n", "-s", "0", "-U", "--immediate-mode", "-i", link, "-w", file, "ip or ip6")
	if err != nil {
		return nil, err
	}
	listening := func() bool { return bytes.Contains([]byte(p.Output()), []byte("listening on")) }
	if err := p.Await(ctx, "listening", listening); err != nil {
		return nil, err
	}
	return p, nil
}

// Missing returns an error that names every program that is not there, and the command that brings them.
func Missing(programs ...string) error {
	var missing []string
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, program)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return errors.New("not installed: " + strings.Join(missing, ", ") + " (scripts/setup installs them)")
}
