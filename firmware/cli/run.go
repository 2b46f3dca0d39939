package cli

import (
	"context"
	"os/signal"
	"syscall"
)

func runCommand() command {
	return command{
		name: "run", usage: "run [--policy FILE] [--state DIR] [--live DIR] [--inside IF] [--stay-closed] [--appliance]", short: "run the box until it is told to stop",
		long: `Runs Tollgate in the foreground. The policy comes from the state folder, where import, the page and the trial
keep it. Without one it starts in set-up mode: the page opens on the inside port, and no call passes.

    --policy FILE   seeds an empty state folder; it is not looked at when there is a policy already
    --state DIR     where policy, keys and the socket are kept (/var/lib/tollgate)
    --live DIR      where running calls are kept, for the next process to take them up; it must be in a memory file
                    system, since keys are among it (/run/tollgate, with the usual state folder)
    --inside IF     the office's interface, for the page in set-up mode
    --stay-closed   from its start to its first rules, and after its stop, nothing is let in, as by "tollgate deny"
    --appliance     the machine is the box's own, as an image's is: addresses, VLANs and the default route are set as the
                    policy says; in set-up mode an address is asked for by DHCP. Otherwise they are only checked

On the very first start the page's first password is printed, once. SIGTERM or Ctrl-C stops the box: no new calls
but emergency calls, running calls are hung up within 5 s, the packet filter's table is removed. A second Ctrl-C
ends it at once.

SIGHUP restarts: the process ends, calls and filter stay as they are, and the next "run" with the same folders takes the
calls up. So it does when the process is killed.

    tollgate run --policy office.yaml
`,
		do: (*terminal).runBox,
	}
}

func (t *terminal) runBox(args []string) error {
	f := flags("run")
	o := RunOptions{Version: version()}
	f.StringVar(&o.Policy, "policy", "", "")
	f.StringVar(&o.Live, "live", "", "")
	f.StringVar(&o.Inside, "inside", "", "")
	f.BoolVar(&o.Appliance, "appliance", false, "")
	f.BoolVar(&o.StayClosed, "stay-closed", false, "")
	state := stateFlag(f)
	if _, err := parse(f, args); err != nil {
		return err
	}
	o.State = *state
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// From the first signal on, the next one finds the default: the end.
	context.AfterFunc(ctx, stop)
	leave, stay := signal.NotifyContext(context.Background(), syscall.SIGHUP)
	defer stay()
	o.Leave = leave
	if err := t.programs.Run(ctx, o); err != nil {
		return t.tell(o.Policy, err)
	}
	return nil
}
