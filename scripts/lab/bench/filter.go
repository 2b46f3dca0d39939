package bench

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
)

// Filter are the parts of the bench of the packet filter and of what stands behind it against floods.
func Filter() []Part { return []Part{{"drops", Drops}, {"storm", Storm}, {"floods", Floods}} }

const (
	// stormRate is how many packets a second come from sources that may not reach the box; a little more are sent.
	stormRate = 250_000
	stormPace = stormRate + stormRate/25
	// stormCalls are made meanwhile by each carrier, at officeRate a second.
	stormCalls = 150
	officeRate = 50
	// stormMemory is how much memory the box may have in it, with its calls, in MB.
	stormMemory = 150
	// loris is how many connections are opened to the page and left alone.
	loris = 1000
	// admittedLoris is how many of them one source may have.
	admittedLoris = 64
	// dropCost is what a packet that is dropped may cost, with its sending, in microseconds of processor time.
	dropCost = 6
)

// Drops tells what each kind of drop costs, its sending with it, since the same thread does both.
func Drops(ctx context.Context, o Options) ([]Bar, error) {
	o.say("cost of each drop, with its sending")
	b, err := openBesieged(ctx, o)
	if err != nil {
		return nil, err
	}
	defer b.close()
	n := o.Messages / 5
	var bars []Bar
	for _, k := range b.world.kinds() {
		done := make(chan error)
		var took time.Duration
		packets := prepared(k.packet)
		go func() {
			var err error
			took, err = b.outside.send(ctx, n, 0, packets)
			done <- err
		}()
		if err := <-done; err != nil {
			return nil, err
		}
		bars = append(bars, atMost("drop: "+k.name, float64(took.Microseconds())/float64(n), dropCost, "%.2f us"))
	}
	return bars, ctx.Err()
}

// besieged is a box that has banned a source, with an office that calls by two carriers, and storms on both of its links.
type besieged struct {
	world           *world
	box             *lab.Process
	office          *legitimate
	inside, outside *storm
}

func openBesieged(ctx context.Context, o Options) (*besieged, error) {
	w, err := open(o)
	if err != nil {
		return nil, err
	}
	w.document = "floods.yaml.tmpl"
	b := &besieged{world: w}
	if err := b.open(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *besieged) open(ctx context.Context) (err error) {
	w := b.world
	if b.office, err = w.openLegitimate(ctx); err != nil {
		return err
	}
	if b.box, err = w.start(ctx, Box); err != nil {
		return err
	}
	state := (&branch.Box{Host: w.lab.Box}).State()
	if out, err := exec.CommandContext(ctx, w.options.Binary, "ban", banned().String(), "--state", state).CombinedOutput(); err != nil {
		return fmt.Errorf("ban a source: %w: %s", err, out)
	}
	if b.outside, err = w.openStorm(w.lab.Carrier, lab.BoxOutside); err != nil {
		return err
	}
	b.inside, err = w.openStorm(w.lab.PBX, lab.BoxInside)
	return err
}

func (b *besieged) close() {
	for _, s := range []*storm{b.inside, b.outside} {
		if s != nil {
			s.close()
		}
	}
	if b.office != nil {
		b.office.close()
	}
	b.world.close()
}

// warm has a few calls made, so that everything is there that the first calls bring.
func (b *besieged) warm() error {
	for _, number := range []string{plainNumber, securedNumber} {
		if c := b.office.calls(number, officeRate, officeRate); !c.clean() {
			return fmt.Errorf("calls without a flood: %v", c)
		}
	}
	return nil
}

// Storm has the office call while packets of every kind that the filter drops pour in, and 1,000 connections to the page lie
// idle.
func Storm(ctx context.Context, o Options) ([]Bar, error) {
	o.say("%d calls at %d/s over UDP, and then over TLS, under %d packets/s from banned, unknown and spoofed sources", stormCalls, officeRate, stormRate)
	b, err := openBesieged(ctx, o)
	if err != nil {
		return nil, err
	}
	defer b.close()
	if err := b.warm(); err != nil {
		return nil, err
	}
	idle, admitted := b.world.loris(ctx)
	defer idle()
	turn := make([]func() []byte, 0, 9)
	for _, k := range b.world.kinds() {
		turn = append(turn, prepared(k.packet))
	}
	most, stop := b.watchMemory()
	calm := b.outside.rage(ctx, stormPace, inTurn(turn...))
	plain := b.office.calls(plainNumber, stormCalls, officeRate)
	secured := b.office.calls(securedNumber, stormCalls, officeRate)
	how, err := calm()
	stop()
	if err != nil {
		return nil, err
	}
	o.say("  %v", how)
	o.say("  over UDP   %v", plain)
	o.say("  over TLS   %v", secured)
	again := b.office.calls(plainNumber, officeRate, officeRate)
	o.say("  afterwards %v", again)
	return []Bar{
		atLeast("packets a second of the storm", how.rate, stormRate, "%.0f"),
		atLeast("calls through the storm, over UDP", float64(plain.Calls), stormCalls, "%.0f"),
		atLeast("calls through the storm, over TLS", float64(secured.Calls), stormCalls, "%.0f"),
		atMost("messages of these calls sent again", float64(plain.Repeated+secured.Repeated), 0, "%.0f"),
		atMost("memory in the storm", float64(most.Load())/1e6, stormMemory, "%.0f MB"),
		atMost(fmt.Sprintf("idle connections to the page, of %d", loris), float64(admitted), admittedLoris, "%.0f"),
		atLeast("calls right after the storm", float64(again.Calls), officeRate, "%.0f"),
	}, ctx.Err()
}

// loris opens connections to the page from one host of the office and sends nothing; it returns how many were let in.
func (w *world) loris(ctx context.Context) (closeAll func(), admitted int) {
	open := hold(ctx, w.lab.PBX, netip.AddrPortFrom(w.lab.Net.BoxInside, 443), loris)
	return func() { closeEach(open) }, len(open)
}

// hold opens connections at once and returns those that were let in within five seconds.
func hold(ctx context.Context, from *lab.Host, to netip.AddrPort, count int) []net.Conn {
	found := make(chan net.Conn)
	for range count {
		go func() {
			patient, done := context.WithTimeout(ctx, 5*time.Second)
			defer done()
			c, _ := from.Dial(patient, "tcp", to.String())
			found <- c
		}()
	}
	var open []net.Conn
	for range count {
		if c := <-found; c != nil {
			open = append(open, c)
		}
	}
	return open
}

func closeEach(open []net.Conn) {
	for _, c := range open {
		c.Close()
	}
}
