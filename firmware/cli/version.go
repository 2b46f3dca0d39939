package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// The linker sets these:
//
//	go build -ldflags "-X tollgate/firmware/cli.release=0.1.0 -X tollgate/firmware/cli.commit=611e626"
var release, commit string

func versionCommand() command {
	return command{
		name: "version", usage: "version", short: "print version and commit",
		long: "Prints the version, the commit it was built from and the kind of machine it was built for.\n",
		do:   (*terminal).version,
	}
}

func (t *terminal) version(args []string) error {
	if _, err := parse(flags("version"), args); err != nil {
		return err
	}
	fmt.Fprintf(t.stdout, "tollgate %s %s/%s\n", version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// version is release and commit; a binary not built by scripts/build knows at most what the Go tool stamped on it.
func version() string {
	r, c := release, commit
	if info, ok := debug.ReadBuildInfo(); ok && c == "" {
		c = stamped(info)
	}
	if r == "" {
		r = "development"
	}
	if c == "" {
		return r
	}
	return r + " (" + c + ")"
}

// stamped is the commit in info, shortened, with a plus when the tree had changes.
func stamped(info *debug.BuildInfo) string {
	var revision, changed string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	return revision + changed
}
