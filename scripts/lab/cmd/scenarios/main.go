// Command scenarios takes ladders of calls through the box, with sipp as PBX and as carriers, and prints one line a flow
// and "N of N" at the end. With -show it prints the ladders, with -only it takes the flows whose names hold a word.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"tollgate/scripts/lab/scenario"
)

func main() {
	binary := flag.String("binary", "", "the box's program")
	only := flag.String("only", "", "take only the flows whose name, or whose group's name, holds this")
	show := flag.Bool("show", false, "print the ladder of each flow")
	keep := flag.String("logs", "", "folder that takes the logs when something failed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "scenarios makes network namespaces, which only root may: run it with sudo or as root")
		os.Exit(1)
	}
	os.Exit(run(ctx, os.Stdout, *binary, *only, *keep, *show))
}

// atOnce is how many groups run side by side: most of their time is waiting.
const atOnce = 3

// page is what one group has to say.
type page struct {
	text      strings.Builder
	held, all int
	err       error
	done      chan struct{}
}

// run returns the exit code.
func run(ctx context.Context, out io.Writer, binary, only, keep string, show bool) int {
	begun := time.Now()
	var pages []*page
	places := make(chan struct{}, atOnce)
	for _, g := range scenario.Groups() {
		if g = chosen(g, only); len(g.Flows) == 0 {
			continue
		}
		p := &page{done: make(chan struct{})}
		pages = append(pages, p)
		go func() {
			defer close(p.done)
			places <- struct{}{}
			defer func() { <-places }()
			if ctx.Err() == nil {
				p.write(ctx, binary, g, keep, show)
			}
		}()
	}
	held, all, code := 0, 0, 0
	for _, p := range pages {
		<-p.done
		fmt.Fprint(out, p.text.String())
		held, all = held+p.held, all+p.all
		if p.err != nil {
			code = 1
		}
	}
	fmt.Fprintf(out, "\n%d of %d  (%.0f s)\n", held, all, time.Since(begun).Seconds())
	if held < all || all == 0 || ctx.Err() != nil {
		code = 1
	}
	if code != 0 && keep != "" {
		fmt.Fprintf(out, "the logs of what failed are in %s\n", keep)
	}
	return code
}

// write runs a group and writes a line for each flow.
func (p *page) write(ctx context.Context, binary string, g scenario.Group, keep string, show bool) {
	ladders := map[string]string{}
	for _, f := range g.Flows {
		ladders[f.Name] = f.Ladder
	}
	fmt.Fprintf(&p.text, "\n%s\n", g.Name)
	p.err = scenario.Run(ctx, binary, g, keep, func(r scenario.Result) {
		p.all++
		verdict := "FAILED"
		if r.Err == nil {
			p.held++
			verdict = "ok"
		}
		fmt.Fprintf(&p.text, "  %-78s %5.1f s  %s\n", r.Flow, r.Took.Seconds(), verdict)
		if show && ladders[r.Flow] != "" {
			fmt.Fprintln(&p.text, indent(ladders[r.Flow]))
		}
		if r.Err != nil {
			fmt.Fprintln(&p.text, indent(r.Err.Error()))
		}
	})
	if p.err != nil {
		fmt.Fprintln(&p.text, "  the group did not run:", p.err)
	}
}

// chosen leaves the flows that were asked for, and the one that the others of its group rest on.
func chosen(g scenario.Group, only string) scenario.Group {
	if strings.Contains(g.Name, only) {
		return g
	}
	var flows []scenario.Flow
	asked := false
	for i, f := range g.Flows {
		match := strings.Contains(f.Name, only)
		asked = asked || match
		if match || i == 0 && f.Boot {
			flows = append(flows, f)
		}
	}
	g.Flows = flows
	if !asked {
		g.Flows = nil
	}
	return g
}

func indent(s string) string {
	return "      " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n      ")
}
