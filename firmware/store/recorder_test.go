package store

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// written is one thing that was asked of the disk: bytes at an offset, another length, or that everything before is on it.
type written struct {
	data   []byte // nil: not a write
	offset int64  // of data
	size   int64  // the new length, when neither data nor flushed
	flush  bool
}

// recorder sees what one thread asks of its disk, in order, by the kernel's own eyes: every system call that writes waits until it
// was noted (seccomp_unotify(2)). What runs needs no hook, and cannot forget one.
type recorder struct {
	memory *os.File // of this process

	mu  sync.Mutex // guards what follows
	log []written
}

// length is how much was noted so far.
func (r *recorder) length() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.log)
}

func (r *recorder) note(w written) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, w)
}

// record runs do on a thread of its own and notes what it writes to any file.
func record(t *testing.T, do func(r *recorder) error) []written {
	t.Helper()
	memory, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	r, done, ready := &recorder{memory: memory}, make(chan error, 1), make(chan int, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its filter
		listener, err := watchWrites()
		ready <- listener
		if err == nil {
			err = do(r)
		}
		done <- err
	}()
	listener := <-ready
	faults := make(chan error, 1)
	if listener >= 0 {
		go func() { faults <- r.listen(listener) }()
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-faults:
		if err != nil { // nil: the thread is gone already, and with it what was listened to
			t.Fatal(err)
		}
	default:
	}
	return r.log
}

// watched are the system calls that change a file or flush it, and those that would do so unseen: they are refused.
var (
	watched   = []uint32{unix.SYS_PWRITE64, unix.SYS_FDATASYNC, unix.SYS_FSYNC, unix.SYS_FTRUNCATE}
	forbidden = []uint32{unix.SYS_PWRITEV, unix.SYS_PWRITEV2, unix.SYS_MSYNC, unix.SYS_FALLOCATE, unix.SYS_SYNC_FILE_RANGE}
)

// The numbers of seccomp(2).
const (
	seccompSetFilter   = 1
	seccompNewListener = 1 << 3
	returnAllow        = 0x7fff0000
	returnNotify       = 0x7fc00000
	returnRefuse       = 0x00050000 | uint32(unix.EPERM)
	ioctlReceive       = 0xc0502100
	ioctlSend          = 0xc0182101
	goOn               = 1
)

// watchWrites has the calling thread's writes wait for whoever listens to the descriptor that it returns.
func watchWrites() (listener int, err error) {
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}} // the number of the call
	for _, c := range []struct {
		calls   []uint32
		verdict uint32
	}{{watched, returnNotify}, {forbidden, returnRefuse}} {
		for _, call := range c.calls {
			program = append(program,
				unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
				unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: c.verdict})
		}
	}
	program = append(program, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: returnAllow})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return -1, fmt.Errorf("no new privileges: %w", err)
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, seccompSetFilter, seccompNewListener, uintptr(unsafe.Pointer(&filter)))
	if errno != 0 {
		return -1, fmt.Errorf("watch a thread's system calls: %w", errno)
	}
	return int(fd), nil
}

// notice is struct seccomp_notif, and reply struct seccomp_notif_resp.
type notice struct {
	id         uint64
	pid, flags uint32
	call       int32
	arch       uint32
	at         uint64
	args       [6]uint64
}

type reply struct {
	id         uint64
	value      int64
	err, flags int32
}

// listen notes what the watched thread asks for, and lets it go on, until the thread has ended.
func (r *recorder) listen(listener int) error {
	defer unix.Close(listener)
	for {
		poll := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(poll, -1); errors.Is(err, unix.EINTR) {
			continue
		} else if err != nil {
			return fmt.Errorf("wait for a system call: %w", err)
		}
		if poll[0].Revents&unix.POLLIN == 0 {
			return nil // nobody is watched any more
		}
		var n notice
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), ioctlReceive, uintptr(unsafe.Pointer(&n))); errno == unix.EINTR || errno == unix.ENOENT {
			continue
		} else if errno != 0 {
			return fmt.Errorf("receive a system call: %w", errno)
		}
		switch uint32(n.call) {
		case unix.SYS_PWRITE64:
			data, err := r.memoryAt(n.args[1], n.args[2])
			if err != nil {
				return fmt.Errorf("read what is to be written: %w", err)
			}
			r.note(written{data: data, offset: int64(n.args[3])})
		case unix.SYS_FTRUNCATE:
			r.note(written{size: int64(n.args[1])})
		default:
			r.note(written{flush: true})
		}
		answer := reply{id: n.id, flags: goOn}
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), ioctlSend, uintptr(unsafe.Pointer(&answer))); errno != 0 && errno != unix.ENOENT {
			return fmt.Errorf("let a system call go on: %w", errno)
		}
	}
}

// memoryAt is what the watched thread, which is of this process and waits, wants to write.
func (r *recorder) memoryAt(address, length uint64) ([]byte, error) {
	b := make([]byte, length)
	_, err := r.memory.ReadAt(b, int64(address))
	return b, err
}
