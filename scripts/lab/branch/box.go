package branch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tollgate/scripts/lab"
)

// Box is the program under test, running on the lab's box.
type Box struct {
	Host    *lab.Host
	Binary  string
	Live    string   // folder of running calls; "": they end with the process
	Without []string // capabilities that it has to do without, as setpriv(1) calls them
	Process *lab.Process
	// Ask is how the box is asked for its status where the command line cannot be; nil: by it.
	Ask func(context.Context) (Status, error)
	// Slow is what it may take to register or to come to rest, when that is more than Patience.
	Slow time.Duration
}

// Patience bounds what the box may take to start or to register.
const Patience = 15 * time.Second

// State is the box's state folder.
func (b *Box) State() string { return b.Host.Path("state") }

// Start runs the box with a policy document and waits until it answers, which it does when it takes calls and no sooner.
func (b *Box) Start(ctx context.Context, policy string) error {
	file := b.Host.Path("policy.yaml")
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		return fmt.Errorf("write the policy: %w", err)
	}
	args := []string{"run", "--policy", file, "--state", b.State()}
	if b.Live != "" {
		args = append(args, "--live", b.Live)
	}
	var err error
	command := append(append(b.deprived(), b.Binary), args...)
	if b.Process, err = b.Host.Start("box", command[0], command[1:]...); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	var first Status
	if err := b.Process.Await(ctx, "answering", func() bool {
		first, err = b.Status(ctx)
		return err == nil
	}); err != nil {
		return err
	}
	if first.Mode == "setup" {
		return errors.New("the box answers before its policy is in force")
	}
	return nil
}

// deprived is the command that starts another one without some capabilities.
func (b *Box) deprived() []string {
	if len(b.Without) == 0 {
		return nil
	}
	list := "-" + strings.Join(b.Without, ",-")
	return []string{"setpriv", "--inh-caps", list, "--bounding-set", list}
}

// Import puts another policy document into force and confirms it.
func (b *Box) Import(ctx context.Context, policy string) error {
	file := b.Host.Path("policy.yaml")
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		return fmt.Errorf("write the policy: %w", err)
	}
	if _, err := exec.CommandContext(ctx, b.Binary, "import", file, "--state", b.State()).Output(); err != nil {
		return fmt.Errorf("import a policy: %w", withStderr(err))
	}
	if s, err := b.Status(ctx); err != nil || s.Mode != "trial" {
		return err
	}
	if _, err := exec.CommandContext(ctx, b.Binary, "confirm", "--state", b.State()).Output(); err != nil {
		return fmt.Errorf("confirm a policy: %w", withStderr(err))
	}
	return nil
}

// Stop ends the box as an administrator would.
func (b *Box) Stop() {
	if b.Process != nil {
		b.Process.Stop(8 * time.Second)
	}
}

// Status asks the box how it is.
func (b *Box) Status(ctx context.Context) (Status, error) {
	if b.Ask != nil {
		return b.Ask(ctx)
	}
	out, err := exec.CommandContext(ctx, b.Binary, "status", "--json", "--state", b.State()).Output()
	if err != nil {
		return Status{}, fmt.Errorf("ask the box for its status: %w", withStderr(err))
	}
	var s Status
	if err := json.Unmarshal(out, &s); err != nil {
		return Status{}, fmt.Errorf("read the box's status: %w", err)
	}
	return s, nil
}

func withStderr(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}

// Await waits until the box's status is as wanted.
func (b *Box) Await(ctx context.Context, what string, wanted func(Status) bool) error {
	ctx, cancel := context.WithTimeout(ctx, max(Patience, b.Slow))
	defer cancel()
	var last Status
	ready := func() bool {
		s, err := b.Status(ctx)
		if err == nil {
			last = s
		}
		return err == nil && wanted(s)
	}
	err := b.await(ctx, what, ready)
	if err != nil {
		return fmt.Errorf("%w\n  its last status: %s", err, last)
	}
	return nil
}

// await is the process's own, or without a process a wait of the same kind.
func (b *Box) await(ctx context.Context, what string, ready func() bool) error {
	if b.Process != nil {
		return b.Process.Await(ctx, what, ready)
	}
	for !ready() {
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return fmt.Errorf("the box is not %s: %w", what, err)
		}
	}
	return nil
}

// AwaitTrunk waits until the trunk is registered.
func (b *Box) AwaitTrunk(ctx context.Context) error {
	return b.Await(ctx, "registered with the carrier", func(s Status) bool {
		return len(s.Trunks) > 0 && s.Trunks[0].State == "up"
	})
}

// AwaitRest waits until no call is left.
func (b *Box) AwaitRest(ctx context.Context) error {
	return b.Await(ctx, "without calls", func(s Status) bool { return len(s.Calls) == 0 })
}

// Page is the address of the box's web page, reachable from the machine the lab runs on.
func (b *Box) Page() string { return "https://" + b.Host.Address.String() + "/" }

// FirstPassword is the page's password that the box printed at its first start: the last word of the line that says so,
// or "" when there is none.
func (b *Box) FirstPassword() string {
	for line := range strings.Lines(b.Process.Output()) {
		if words := strings.Fields(line); len(words) > 0 && strings.HasPrefix(line, "First password") {
			return words[len(words)-1]
		}
	}
	return ""
}

// Folder is where everything about this run is written, for whoever has to find out what went wrong.
func (b *Branch) Folder() string {
	if b.Lab == nil {
		return ""
	}
	return filepath.Clean(b.Lab.Dir)
}
