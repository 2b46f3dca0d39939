package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tollgate/firmware/policy"
)

// update rewrites what the scripts expect: go test ./firmware/cli -update
var update = flag.Bool("update", false, "rewrite the expectations in testdata/script")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"tollgate": func() {
			os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, Programs{Run: assembled, Init: first}))
		},
	})
}

// assembled stands where main passes the real box in: it tells what it was told.
func assembled(ctx context.Context, o RunOptions) error {
	if o.Policy != "" {
		doc, err := os.ReadFile(o.Policy)
		if err != nil {
			return err
		}
		if _, err := policy.Parse(doc); err != nil {
			return fmt.Errorf("seeding the store: %w", err)
		}
	}
	fmt.Printf("policy %q state %q inside %q version %t\n", o.Policy, o.State, o.Inside, o.Version != "")
	if o.Inside != "lasting" {
		return nil
	}
	if err := os.WriteFile("running", nil, 0o600); err != nil {
		return err
	}
	<-ctx.Done()
	fmt.Println("stopped")
	return nil
}

// first stands where main passes process 1 in.
func first(version string, words []string) error {
	return fmt.Errorf("init with %q, version %t", words, version != "")
}

// TestSessionsAtTheTerminal runs every script in testdata/script. Besides the usual commands they have
//
//	code N COMMAND...   runs the command and wants exit code N
//	box [OVERVIEW]      starts a box on state/tollgate.sock whose dashboard is the JSON in OVERVIEW
//	await FILE          waits until FILE is there
//	terminate           sends SIGTERM to what runs in the background
func TestSessionsAtTheTerminal(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			return os.Mkdir(e.WorkDir+"/state", 0o700)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code": code, "box": startBox, "await": await, "terminate": terminate,
		},
	})
}

func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func terminate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: terminate")
	}
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(syscall.SIGTERM))
	}
}
