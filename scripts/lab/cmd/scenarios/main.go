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

// run returns the exit code.
func run(ctx context.Context, out io.Writer, binary, only, keep string, show bool) int {
	begun := time.Now()
	held, all := 0, 0
	code := 0
	for _, g := range scenario.Groups() {
		flows := map[string]scenario.Flow{}
		if g = chosen(g, only); len(g.Flows) == 0 {
			continue
		}
		for _, f := range g.Flows {
			flows[f.Name] = f
		}
		fmt.Fprintf(out, "\n%s\n", g.Name)
		err := scenario.Run(ctx, binary, g, keep, func(r scenario.Result) {
			all++
			verdict := "ok"
			if r.Err == nil {
				held++
			} else {
				verdict = "FAILED"
			}
			fmt.Fprintf(out, "  %-68s %6.1f s  %s\n", r.Flow, r.Took.Seconds(), verdict)
			if show && flows[r.Flow].Ladder != "" {
				fmt.Fprintln(out, indent(flows[r.Flow].Ladder))
			}
			if r.Err != nil {
				fmt.Fprintln(out, indent(r.Err.Error()))
			}
		})
		if err != nil {
			fmt.Fprintln(out, "  the group did not run:", err)
			code = 1
		}
		if ctx.Err() != nil {
			return 1
		}
	}
	fmt.Fprintf(out, "\n%d of %d  (%.0f s)\n", held, all, time.Since(begun).Seconds())
	if held < all || all == 0 {
		code = 1
	}
	if code != 0 && keep != "" {
		fmt.Fprintf(out, "the logs of what failed are in %s\n", keep)
	}
	return code
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
