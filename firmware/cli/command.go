package cli

import (
	"fmt"
	"strings"
)

// command is one word after "tollgate".
type command struct {
	name  string
	usage string // name, arguments and flags
	short string // one line
	long  string // for help NAME
	do    func(t *terminal, args []string) error
}

// help is what "tollgate help NAME" prints.
func (c command) help() string {
	return fmt.Sprintf("tollgate %s – %s\n\nUsage:\n\n    tollgate %s\n\n%s", c.name, c.short, c.usage, c.long)
}

func find(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

// hintFor names the command that was probably meant.
func hintFor(name string) string {
	for _, c := range commands() {
		if len(name) > 1 && (strings.HasPrefix(c.name, name) || strings.HasPrefix(name, c.name)) {
			return fmt.Sprintf("Did you mean: tollgate %s\n", c.usage)
		}
	}
	return "All commands: tollgate help\n"
}

func (t *terminal) help(args []string) error {
	if len(args) == 0 {
		fmt.Fprint(t.stdout, overallHelp())
		return nil
	}
	found, err := parse(flags("help"), args, "COMMAND")
	if err != nil {
		return err
	}
	c, ok := find(found[0])
	if !ok {
		return wrongUsage("there is no command %q", found[0])
	}
	fmt.Fprint(t.stdout, c.help())
	return nil
}

// overallHelp is what "tollgate help" prints.
func overallHelp() string {
	var b strings.Builder
	b.WriteString(`Tollgate is a session border controller. It stands between an office's telephone system (the PBX) and its
carrier, lets only the calls through that its policy allows, encrypts them on the carrier's side, and shows
what happens on a web page that only the office can open.

Usage: tollgate COMMAND [ARGUMENTS]
`)
	section := func(title string, names ...string) {
		fmt.Fprintf(&b, "\n%s\n\n", title)
		for _, n := range names {
			c, _ := find(n)
			// The flags stand in the command's own help.
			usage, _, _ := strings.Cut(c.usage, " [--")
			fmt.Fprintf(&b, "    %-16s %s\n", usage, c.short)
		}
	}
	section("Anywhere:", "example", "profiles", "check", "secret", "signer", "sign", "version", "help")
	section("On the box, as root:", "run", "deny")
	section("On the box while it runs, as root:", "status", "try", "rehearse", "filter", "bans", "ban", "unban", "blocklist", "fraud", "release", "rates", "stick", "credentials", "rotate", "import", "confirm", "export", "password")
	section("As the first process of an image:", "init")
	b.WriteString(`
From nothing to a running box:

    tollgate example > office.yaml            a policy that explains itself; fill it in
    tollgate check office.yaml                every fault with its line and a hint
    tollgate run --policy office.yaml         starts; prints the page's first password once
    tollgate status                           in a second terminal

Changing the policy later:

    tollgate import office.yaml --why "second carrier"
    tollgate confirm                          if the import says that the change is on trial

Exit codes: 0 it was done; 1 it was not, and why is printed; 2 the command line was wrong.
`)
	return b.String()
}

// commands returns every command in the order of the help.
func commands() []command {
	return []command{
		exampleCommand(), profilesCommand(), checkCommand(), secretCommand(), signerCommand(), signCommand(), versionCommand(),
		{name: "help", usage: "help [COMMAND]", short: "print this, or more about one command", long: "Prints the list of commands and the way from nothing to a running box, or everything about one command.\n",
			do: (*terminal).help},
		runCommand(), denyCommand(), initCommand(), statusCommand(), tryCommand(), rehearseCommand(), filterCommand(), bansCommand(), banCommand(), unbanCommand(), blocklistCommand(), fraudCommand(), releaseCommand(), ratesCommand(), stickCommand(), credentialsCommand(), rotateCommand(), importCommand(), confirmCommand(), exportCommand(), passwordCommand(),
	}
}
