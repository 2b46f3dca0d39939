// Command bench measures the box beside others that do its work and ends with one line a bar: name | measured | bar | ok or
// short. Its exit code is 1 when one is short.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tollgate/scripts/lab/bench"
	"tollgate/scripts/lab/traffic"
	"tollgate/scripts/lab/weeks"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == bench.Generator {
		generate()
		return
	}
	o := bench.Options{Rates: bench.Rates(), Levels: bench.Levels(), Round: time.Minute, Span: 10 * time.Second, Rounds: 3, Live: 2000, Messages: 1_000_000, Together: 300, More: 1000, First: weeks.JudgeSeeds, Seeds: 100, Out: os.Stdout}
	flag.StringVar(&o.Binary, "binary", "", "the box's program")
	flag.StringVar(&o.Keep, "logs", "", "folder that takes the logs of rounds that were not clean")
	flag.IntVar(&o.Core, "generator", 1, "the core of the load generator")
	flag.DurationVar(&o.Round, "round", o.Round, "how long each system has calls at each rate; for processor time in turns")
	flag.DurationVar(&o.Span, "span", o.Span, "how long each number of calls has audio")
	flag.StringVar(&o.Only, "system", "", "measure the processor time of signalling or the media of this system alone, without bars: tollgate, portable, rtpengine or a Kamailio")
	flag.Func("rates", "calls a second at which processor time is compared, separated by commas", func(list string) (err error) {
		o.Rates, err = numbers(list)
		return err
	})
	flag.Func("calls", "calls at which the cost of a packet is measured, separated by commas", func(list string) (err error) {
		o.Levels, err = numbers(list)
		return err
	})
	flag.StringVar(&o.Another, "another", "", "compare the processor time of signalling with that of this build of the box, in the place of Kamailio")
	flag.IntVar(&o.Rounds, "rounds", o.Rounds, "rounds of each system, for media")
	flag.IntVar(&o.First, "first", o.First, "the first seed of the invented offices; defaults are chosen with those below 2001, and judged with those from there on")
	seeds := flag.Int("seeds", 0, "how many offices; 0: as many as the bars ask for")
	quick := flag.Bool("quick", false, "one short round of everything, to see that it works; the figures are of little use")
	only := flag.String("only", "", "measure only these parts, separated by commas")
	flag.Parse()
	if *quick {
		o.Span = 3 * time.Second
		o.Round, o.Rounds, o.Live, o.Messages = 10*time.Second, 1, 500, 100_000
		o.Together, o.More, o.Seeds = 100, 100, 5
	}
	if *seeds > 0 {
		o.Seeds = *seeds
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "bench makes network namespaces, which only root may: run it with sudo or as root")
		os.Exit(1)
	}
	parts, err := partsOf(flag.Arg(0), *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(run(ctx, os.Stdout, o, parts))
}

// generate is the generator of media, on its own core; the bench starts it.
func generate() {
	if err := traffic.Serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "traffic:", err)
		os.Exit(1)
	}
}

// partsOf finds the parts of a bench.
func partsOf(name, only string) ([]bench.Part, error) {
	parts, ok := map[string][]bench.Part{"sip": bench.SIP(), "media": bench.Media(), "calls300": bench.Whole(), "filter": bench.Filter(), "fraud": bench.Fraud()}[name]
	if !ok {
		return nil, fmt.Errorf("there is no bench %q: say sip, media, calls300, filter or fraud", name)
	}
	if only == "" {
		return parts, nil
	}
	var chosen []bench.Part
	for word := range strings.SplitSeq(only, ",") {
		before := len(chosen)
		for _, p := range parts {
			if p.Name == word {
				chosen = append(chosen, p)
			}
		}
		if len(chosen) == before {
			return nil, fmt.Errorf("the bench has no part %q", word)
		}
	}
	return chosen, nil
}

// numbers reads a list of them.
func numbers(list string) (numbers []int, err error) {
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no number of calls", word)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// run returns the exit code.
func run(ctx context.Context, out io.Writer, o bench.Options, parts []bench.Part) int {
	begun := time.Now()
	fmt.Fprintf(out, "load of the machine before: %s\n", load())
	var bars []bench.Bar
	code := 0
	for _, p := range parts {
		b, err := p.Run(ctx, o)
		if err != nil {
			fmt.Fprintf(out, "%s was not measured: %v\n", p.Name, err)
			code = 1
		}
		bars = append(bars, b...)
	}
	fmt.Fprintf(out, "\n(%.0f s)\n", time.Since(begun).Seconds())
	for _, b := range bars {
		verdict := "ok"
		if !b.OK {
			verdict, code = "short", 1
		}
		fmt.Fprintf(out, "%s | %s | %s | %s\n", b.Name, b.Measured, b.Limit, verdict)
	}
	return code
}

// load is how busy the machine was in the last minute: figures of a busy machine say little.
func load() string {
	b, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(b), " ")
	return first
}
