package cli

func initCommand() command {
	return command{
		name: "init", usage: "init [WORD ...]", short: "be process 1 of a box that runs nothing else",
		long: `Starts a machine whose whole system is this program: mounts, kernel modules, the partition for data, the watchdog.
Then it starts "tollgate run" as a user of its own and keeps it alive. It does so only as process 1, where it may also be
called as a program named "init". There is no way out but power-off and restart.

A WORD counts like one on the kernel's command line:

    tollgate.data=PARTLABEL=NAME   the partition for data, or /dev/NAME, or none (PARTLABEL=tollgate-data)
    tollgate.watchdog=off          leaves the hardware's watchdog alone
    tollgate.log=console           shows the log on the console

SIGTERM and Ctrl-Alt-Del restart the machine, SIGUSR2 switches it off, SIGHUP restarts the program alone, whose calls go on.
`,
		do: func(t *terminal, args []string) error { return t.programs.Init(version(), args) },
	}
}
