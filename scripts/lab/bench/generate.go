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

// generator is the generator of media, on its own core.
type generator struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startGenerator(core int) (*generator, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the bench's own program: %w", err)
	}
	g := &generator{cmd: exec.Command("nice", "-n", "-20", "taskset", "-c", strconv.Itoa(core), self, Generator)}
	g.cmd.Stderr = os.Stderr
	out, err := g.cmd.StdoutPipe()
	if err == nil {
		g.in, err = g.cmd.StdinPipe()
	}
	if err == nil {
		err = g.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the generator: %w", err)
	}
	g.out = bufio.NewScanner(out)
	return g, nil
}

// stop ends the generator by ending its input.
func (g *generator) stop() {
	g.in.Close()
	end := time.AfterFunc(patience, func() { g.cmd.Process.Kill() })
	defer end.Stop()
	g.cmd.Wait()
}

// run has the generator send, and takes the processor time of a process while that counts.
func (g *generator) run(ctx context.Context, s traffic.Spec, pid int) (r traffic.Report, cpu time.Duration, err error) {
	defer context.AfterFunc(ctx, func() { g.cmd.Process.Kill() })()
	late := time.AfterFunc(s.Warm+s.Span+patience, func() { g.cmd.Process.Kill() })
	defer late.Stop()
	if err = json.NewEncoder(g.in).Encode(s); err == nil {
		r, cpu, err = follow(g.out, pid)
	}
	if err != nil {
		err = fmt.Errorf("the generator: %w", err)
	}
	return r, cpu, err
}

// follow reads what the generator tells and measures a process meanwhile.
func follow(lines *bufio.Scanner, pid int) (r traffic.Report, cpu time.Duration, err error) {
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
