// Devserver is test equipment for the page: it serves the real API and a built page, but the box behind them is invented
// (world.go). It carries no call, filters no packet, and is never part of what ships.
//
//	go run ./firmware/api/internal/devserver --dist webui/dist
//
// It prints "ready on https://127.0.0.1:8443" once it answers. The page's password is a fixed one, so it listens on
// loopback only.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"tollgate/firmware/api"
)

type options struct {
	listen   netip.AddrPort
	dist     string
	socket   string
	first    string
	password string
	trial    time.Duration
	setup    bool
	still    bool
	away     bool
	simulate bool
	ill      bool
	press    time.Duration
	verbose  bool
}

func main() {
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "devserver:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("devserver", flag.ExitOnError)
	f.TextVar(&o.listen, "listen", netip.MustParseAddrPort("127.0.0.1:8443"), "loopback address and port of the page")
	f.StringVar(&o.dist, "dist", "webui/dist", "folder of the built page, read anew at each request")
	f.StringVar(&o.socket, "socket", "", "also serve the tollgate command on this unix socket")
	f.StringVar(&o.first, "first-password", "demo-demo-demo-2345", "the first password, to be changed at the first log-in")
	f.StringVar(&o.password, "password", "", "start with this password, already changed, instead of the first one")
	f.DurationVar(&o.trial, "trial", 2*time.Minute, "how long an imported policy is on trial; 0: confirmed at once")
	f.BoolVar(&o.setup, "setup", false, "start without a policy")
	f.BoolVar(&o.still, "still", false, "stop the invented clock, so that screenshots look the same each time")
	f.BoolVar(&o.away, "away", false, "the phones' PBX cannot be reached")
	f.BoolVar(&o.simulate, "simulate", false, "what is found of fraud is only told")
	f.BoolVar(&o.ill, "ill", false, "the last update fell back, and every address for telephones is lent")
	f.DurationVar(&o.press, "press", 0, "a policy that opens what can cost without a ceiling wants the button, which somebody presses after this time; 0: it has none")
	f.BoolVar(&o.verbose, "verbose", false, "log what the API logs")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if !o.listen.Addr().IsLoopback() {
		return o, errors.New("the password is a fixed one, so --listen must be a loopback address")
	}
	return o, nil
}

func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	level := slog.LevelError
	if o.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	accounts, err := newRecords(o.first, o.password)
	if err != nil {
		return err
	}
	box, err := newWorld(o)
	if err != nil {
		return err
	}
	cert, err := selfSigned()
	if err != nil {
		return err
	}
	server, err := api.New(ctx, api.Options{Box: box, Bans: &jail{world: box}, Credentials: &keys{world: box}, Alarms: box, Fraud: &purse{world: box}, Filter: &wall{world: box}, Sticks: &socket{}, Systems: &shelf{fellBack: o.ill}, Boards: &box.chassis, Admission: judge{}, Accounts: accounts, Authority: authority{cert.Certificate[0]}, Pages: os.DirFS(o.dist), Log: log})
	if err != nil {
		return err
	}
	if err := serve(ctx, server, cert, o); err != nil {
		return err
	}
	fmt.Printf("ready on https://%s\n", o.listen)
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Close(last)
}

func serve(ctx context.Context, server *api.Server, cert tls.Certificate, o options) error {
	if o.socket != "" {
		if err := server.Listen(o.socket); err != nil {
			return err
		}
	}
	return server.Set(ctx, api.Config{
		Addresses: []netip.AddrPort{o.listen},
		Names:     []string{"localhost"},
		Sources:   []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		TLS:       &tls.Config{Certificates: []tls.Certificate{cert}},
	})
}
