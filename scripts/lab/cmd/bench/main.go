// Command bench measures.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"tollgate/scripts/lab/bench"
)

func main() {
	binary := flag.String("binary", "", "the box's program")
	rate := flag.Int("rate", 300, "calls a second")
	d := flag.Duration("for", 10*time.Second, "round")
	k := flag.String("kind", "tollgate", "")
	flag.Parse()
	o := bench.Options{Binary: *binary, Core: 1, Round: *d, Keep: "/tmp/bench-logs", Out: os.Stdout}
	r, err := bench.Try(context.Background(), o, bench.Kind(*k), *rate)
	fmt.Println(*k, r, err)
}
