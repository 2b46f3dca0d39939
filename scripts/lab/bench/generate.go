package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"time"

	"tollgate/scripts/lab/traffic"
)

// mediaPort is where the generator sends from and listens, on both sides.
const mediaPort = 30000

func mediaOf(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, mediaPort) }

// Generator is the argument with which the bench's own program is the generator of media.
const Generator = "traffic"

// generate runs the generator on its own core and takes the processor time of a process while what it sends counts.
func (w *world) generate(ctx context.Context, s traffic.Spec, pid int) (r traffic.Report, cpu time.Duration, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, 0, fmt.Errorf("find the bench's own program: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.Warm+s.Span+patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nice", "-n", "-20", "taskset", "-c", strconv.Itoa(w.options.Core), self, Generator)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return r, 0, fmt.Errorf("start the generator: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return r, 0, fmt.Errorf("start the generator: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return r, 0, fmt.Errorf("start the generator: %w", err)
	}
	err = json.NewEncoder(in).Encode(s)
	in.Close()
	if err == nil {
		r, cpu, err = follow(out, pid)
	}
	if e := cmd.Wait(); err == nil {
		err = e
	}
	if err != nil {
		err = fmt.Errorf("the generator: %w", err)
	}
	return r, cpu, err
}

// follow reads what the generator tells and measures a process meanwhile.
func follow(out io.Reader, pid int) (r traffic.Report, cpu time.Duration, err error) {
	lines := bufio.NewScanner(out)
	var before, after time.Duration
	for lines.Scan() && err == nil {
		switch line := lines.Bytes(); string(line) {
		case traffic.Begun:
			before, err = cpuOf(pid)
		case traffic.Ended:
			after, err = cpuOf(pid)
		default:
			return r, after - before, json.Unmarshal(line, &r)
		}
	}
	if err == nil {
		err = lines.Err()
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return r, 0, err
}
