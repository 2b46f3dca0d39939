package usb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// nobody is the user that owns nothing.
const nobody = 65534

// Reader reads sticks by starting a child for each piece of work.
type Reader struct {
	// Command starts this program so that it calls Child with the arguments that follow.
	Command []string
	// Serial is the number of this box: the files of the folder of that name go before those for all boxes.
	Serial string
	// Patience is how long one piece of work may take; 0: 30 s.
	Patience time.Duration
}

// Read returns what lies in the folder of a stick. device is the whole disk, as "/dev/sda".
func (r Reader) Read(ctx context.Context, device string) (Contents, error) {
	var out limited
	out.room = 2 * maxFiles // base64 makes a third more of it
	if err := r.run(ctx, device, os.O_RDONLY, nil, &out, "list", r.Serial); err != nil {
		return Contents{}, err
	}
	var c Contents
	if err := json.Unmarshal(out.Bytes(), &c); err != nil {
		return Contents{}, fmt.Errorf("the reader of sticks said nothing that can be understood: %w", err)
	}
	return c, nil
}

// Copy writes one file of the folder to w, at most most octets of it; more is an error.
func (r Reader) Copy(ctx context.Context, device, name string, w io.Writer, most int64) error {
	return r.run(ctx, device, os.O_RDONLY, nil, &capped{w: w, room: most}, "copy", name, r.Serial)
}

// Write puts a file into the folder of a stick, over what has that name.
func (r Reader) Write(ctx context.Context, device, name string, data []byte) error {
	return r.run(ctx, device, os.O_RDWR, bytes.NewReader(data), io.Discard, "write", name)
}

// Store puts a new file into the folder OutFolder of a stick, which it makes when it is missing, and returns the name that it got: a
// file of that name stays as it is. The file is whole on the stick, or has no name there.
func (r Reader) Store(ctx context.Context, device, name string, data []byte) (string, error) {
	var got limited
	got.room = maxName
	err := r.run(ctx, device, os.O_RDWR, bytes.NewReader(data), &got, "store", name)
	return got.String(), err
}

// run starts the child for one piece of work and waits for it.
func (r Reader) run(ctx context.Context, device string, mode int, in io.Reader, out io.Writer, args ...string) error {
	disk, err := openDisk(ctx, device, mode)
	if err != nil {
		return err
	}
	defer disk.Close()
	ctx, cancel := context.WithTimeout(ctx, r.patience())
	defer cancel()
	c, err := start(append(r.Command[:len(r.Command):len(r.Command)], args...), disk)
	if err != nil {
		return fmt.Errorf("start the reader of sticks: %w", err)
	}
	return c.wait(ctx, in, out)
}

func (r Reader) patience() time.Duration {
	if r.Patience > 0 {
		return r.Patience
	}
	return 30 * time.Second
}

// child is a running reader and our ends of its pipes.
type child struct {
	process *os.Process
	in      *os.File
	out     *os.File
	said    *os.File
}

func start(command []string, disk *os.File) (*child, error) {
	var files []*os.File // ours and theirs in turn
	pipe := func() (r, w *os.File, err error) {
		if r, w, err = os.Pipe(); err == nil {
			files = append(files, r, w)
		}
		return r, w, err
	}
	stdin, in, err1 := pipe()
	out, stdout, err2 := pipe()
	said, stderr, err3 := pipe()
	if err := errors.Join(err1, err2, err3); err != nil {
		shut(files)
		return nil, err
	}
	process, err := os.StartProcess(command[0], command, &os.ProcAttr{
		Dir: "/", Env: []string{"GOTRACEBACK=none", "GOMAXPROCS=1"}, Files: []*os.File{stdin, stdout, stderr, disk}, Sys: lowly(),
	})
	if err != nil {
		shut(files)
		return nil, err
	}
	shut([]*os.File{stdin, stdout, stderr})
	return &child{process: process, in: in, out: out, said: said}, nil
}

// lowly makes the child nobody when we are root; otherwise it stays who we are and drops its capabilities itself.
func lowly() *syscall.SysProcAttr {
	if os.Geteuid() != 0 {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

// wait feeds the child, takes what it answers and ends it when ctx does.
func (c *child) wait(ctx context.Context, in io.Reader, out io.Writer) error {
	stop := context.AfterFunc(ctx, func() { _ = c.process.Kill() })
	defer stop()
	go func() {
		if in != nil {
			_, _ = io.Copy(c.in, in) // what does not arrive is missed by the child
		}
		c.in.Close()
	}()
	said := make(chan string, 1)
	go func() {
		sentence, _ := io.ReadAll(io.LimitReader(c.said, 4<<10))
		said <- string(sentence)
		_, _ = io.Copy(io.Discard, c.said)
		c.said.Close()
	}()
	_, copied := io.Copy(out, c.out)
	c.out.Close()
	if copied != nil {
		_ = c.process.Kill()
	}
	state, err := c.process.Wait()
	switch sentence := strings.TrimSpace(<-said); {
	case ctx.Err() != nil:
		return fmt.Errorf("the stick could not be read in time: %w", ctx.Err())
	case err != nil:
		return fmt.Errorf("wait for the reader of sticks: %w", err)
	case copied != nil:
		return copied
	case state.Success():
		return nil
	case state.ExitCode() == 1 && sentence != "":
		return errors.New(sentence)
	}
	return errors.New("the stick is damaged or was made to do harm: its reader gave up")
}

func shut(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

var errTooLong = errors.New("the stick holds more than is taken")

// limited is a buffer that takes no more than it has room for.
type limited struct {
	bytes.Buffer
	room int
}

func (l *limited) Write(b []byte) (int, error) {
	if l.Len()+len(b) > l.room {
		return 0, errTooLong
	}
	return l.Buffer.Write(b)
}

// ReadFrom hides that of the buffer, which knows no bound.
func (l *limited) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{l}, r)
}

// capped hands on no more than it has room for.
type capped struct {
	w    io.Writer
	room int64
}

func (c *capped) Write(b []byte) (int, error) {
	if c.room -= int64(len(b)); c.room < 0 {
		return 0, errTooLong
	}
	return c.w.Write(b)
}
