package supervise

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// nursery starts children and takes every end, of its own and of those that others have left: process 1 inherits them. A
// single place does both, so that no end is taken before it is known whose it is.
type nursery struct {
	mu    sync.Mutex // guards what follows, and is held from a fork until the child is known
	known map[int]*process
}

// process is one child.
type process struct {
	nursery *nursery
	pid     int
	gone    chan struct{} // closed when it has ended
	status  syscall.WaitStatus
}

func newNursery() *nursery { return &nursery{known: map[int]*process{}} }

func (n *nursery) start(path string, args []string, attr *syscall.ProcAttr) (*process, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	pid, err := syscall.ForkExec(path, args, attr)
	if err != nil {
		return nil, err
	}
	p := &process{nursery: n, pid: pid, gone: make(chan struct{})}
	n.known[pid] = p
	return p, nil
}

// reap takes ends until ctx ends.
func (n *nursery) reap(ctx context.Context, fault func(string)) {
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, unix.SIGCHLD)
	defer signal.Stop(ends)
	for {
		for n.reapOne() {
			fault("reap")
		}
		select {
		case <-ctx.Done():
			return
		case <-ends:
		}
	}
}

// reapOne takes one end, if there is one.
func (n *nursery) reapOne() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
	if errors.Is(err, syscall.EINTR) {
		return true
	}
	if err != nil || pid <= 0 {
		return false
	}
	if p := n.known[pid]; p != nil {
		delete(n.known, pid)
		p.status = status
		close(p.gone)
	}
	return true
}

func (p *process) isGone() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// signal sends a signal, if the process is still the one that was started.
func (p *process) signal(sig syscall.Signal) error {
	p.nursery.mu.Lock()
	defer p.nursery.mu.Unlock()
	if p.isGone() {
		return nil
	}
	return syscall.Kill(p.pid, sig)
}
