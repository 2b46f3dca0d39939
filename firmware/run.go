package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"tollgate/board/confine"
	"tollgate/board/dhcpserver"
	"tollgate/board/link"
	"tollgate/board/mdns"
	"tollgate/board/usb"
	"tollgate/firmware/access"
	"tollgate/firmware/admission"
	"tollgate/firmware/api"
	"tollgate/firmware/apply"
	"tollgate/firmware/call"
	"tollgate/firmware/certs"
	"tollgate/firmware/cli"
	"tollgate/firmware/delivery"
	"tollgate/firmware/edge"
	"tollgate/firmware/envelope"
	"tollgate/firmware/event"
	"tollgate/firmware/live"
	"tollgate/firmware/media"
	"tollgate/firmware/notice"
	"tollgate/firmware/phones"
	"tollgate/firmware/policy"
	"tollgate/firmware/pull"
	"tollgate/firmware/registrar"
	"tollgate/firmware/resolve"
	"tollgate/firmware/stick"
	"tollgate/firmware/store"
	"tollgate/firmware/supervise"
	"tollgate/firmware/trunk"
	"tollgate/firmware/ua"
	"tollgate/netfilter"
	"tollgate/webui"
)

// How long a stop may take: for the calls, for emergency calls, which it waits for, and for the rest. A second signal ends
// the process at once.
const (
	hangUpTime    = 3 * time.Second
	emergencyTime = 10 * time.Minute
	restTime      = 2 * time.Second
)

// box is everything that runs. The order of its fields is the order in which it is put together.
type box struct {
	log     *slog.Logger
	said    *lines // where the log goes
	options cli.RunOptions
	seed    []byte // the policy that fills an empty store
	started time.Time

	facts       *event.Hub
	refusals    refusals
	emergencies emergencies
	store       *store.Store
	live        *live.Folder // nil: running calls are not kept
	taken       bool         // the calls of the process before have been taken up
	authority   *certs.Authority
	filter      *netfilter.Filter
	blockList   *blockList
	forwarder   link.Forwarder
	drops       drops
	relay       *media.Relay
	access      *access.Gate
	bans        *bans
	rotations   *rotations
	gate        *admission.Gate
	callBacks   *callBacks
	frauds      *frauds
	ended       *ended
	past        *pastCalls
	loads       *loads
	edge        *edge.Edge
	core        *ua.Core
	registrar   *registrar.Registrar
	phones      *phones.Phones
	resolver    *resolve.Resolver
	trunks      *trunk.Trunks
	parties     *parties
	desk        *call.Desk
	notices     *notice.Desk
	sources     *sources
	network     network
	responder   mdns.Responder
	lender      dhcpserver.Server
	time        timekeeper
	config      *apply.Box
	systems     *systems // nil: this machine's system is not the box's own
	server      *api.Server
	taker       *delivery.Taker
	puller      *pull.Puller
	sticks      *stick.Desk
	hardware    hardware
	presence    presence
	window      window
	passwords   usb.Reader // writes the first password onto a stick
	// passwordStick is when the stick was plugged in that has the first password, in Unix nanoseconds.
	passwordStick atomic.Int64
	key           envelope.Identity // opens what is sealed for this box
	password      string            // the first one, until the box is claimed
}

// run is the box from start to stop.
func run(ctx context.Context, o cli.RunOptions) error {
	out := &lines{to: os.Stderr}
	defer out.flush()
	b := &box{said: out, log: slog.New(slog.NewTextHandler(out, nil)), options: o, started: time.Now(), facts: &event.Hub{}}
	b.network.plugged, b.responder.Log = make(chan struct{}, 1), b.log
	b.lender.Log, b.lender.Keep = b.log, b.keepLentOut
	end := b.stop
	defer func() { end() }()
	go paceCollector(ctx)
	if o.Appliance {
		if err := confine.Process(o.State, "/run", "/tmp", "/dev", "/proc", "/sys"); err != nil {
			b.log.Error("not confined as it should be", "err", err)
		}
	}
	for _, step := range []func(context.Context) error{b.openStore, b.readSeed, b.measureBoard, b.openLive, b.openFilter, b.openBlockList, b.openJudgement, b.openTalkers, b.watchDrops, b.openSystems, b.openDeliveries, b.openPull, b.openSticks, b.openPage, b.watchHardware, b.keepTime, b.boot, b.openSocket, b.watchLinks, b.watchSticks, b.pullBundles, b.turnPasswords, b.showScreen, b.watchButton, b.keepLight, b.proveWell} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	go b.desk.Watch(ctx)
	go b.watchLoad(ctx)
	select {
	case <-ctx.Done():
		b.log.Info("stopping: no new calls but emergency calls")
	case <-o.Leave.Done():
		end = b.leave
	}
	return nil
}

func (b *box) openStore(context.Context) (err error) {
	if err := os.MkdirAll(b.options.State, 0o700); err != nil {
		return fmt.Errorf("make the state folder: %w", err)
	}
	if b.store, err = store.Open(filepath.Join(b.options.State, "tollgate.db")); err != nil {
		return err
	}
	since, err := decided(b.store)
	if err != nil {
		return err
	}
	b.clampClock(since)
	if err := recall(b.store); err != nil {
		return err
	}
	if b.key, err = openKey(b.store); err != nil {
		return err
	}
	b.authority, err = certs.Open(b.store, certificateClock(time.Now, built(), since), rand.Reader)
	return err
}

// readSeed reads the first policy, if one is needed, before anything is opened or printed: a fault in it ends the run.
func (b *box) readSeed(context.Context) error {
	_, kept, err := b.store.Confirmed()
	if err != nil || kept || b.options.Policy == "" {
		return err
	}
	if b.seed, err = os.ReadFile(b.options.Policy); err != nil {
		return fmt.Errorf("read the policy: %w", err)
	}
	_, err = policy.Parse(b.seed)
	return err
}

func (b *box) openFilter(ctx context.Context) (err error) {
	if b.filter, err = netfilter.Open(netfilter.Options{Log: b.log, Adopt: true}); err != nil {
		return fmt.Errorf("packet filter: %w", err)
	}
	if b.relay, err = media.New(pinholes{b.filter}, b.log); err != nil {
		return err
	}
	go spareProcessors(ctx, b.relay)
	if err := preferThreads(b.relay.Threads()); err != nil {
		b.log.Warn("audio may come late while the box is busy", "err", err)
	}
	return b.keepIdentity()
}

// remember has facts noted for as long as the process lives.
func (b *box) remember(notes ...func(event.Event)) {
	l := b.facts.Listen(1024)
	go func() {
		for e := range l.C {
			for _, note := range notes {
				note(e)
			}
		}
	}()
}

// openJudgement makes those who say who speaks and what may go, with what an earlier run has kept of them.
func (b *box) openJudgement(context.Context) (err error) {
	b.remember(b.refusals.note, b.emergencies.note)
	b.access = access.New(&policy.Policy{}, rand.Reader)
	b.gate = admission.New(&policy.Policy{})
	if b.bans, err = newBans(b.access, b.filter, b.store, b.facts, b.log); err != nil {
		return err
	}
	if b.callBacks, err = newCallBacks(b.gate, b.store, b.log); err != nil {
		return err
	}
	if b.frauds, err = newFrauds(b.store, b.facts, b.log, func(ticket uint64, why string) { b.desk.CutOff(ticket, why) }); err != nil {
		return err
	}
	b.gate.SetWatch(b.frauds)
	b.gate.SetFollower(b.frauds)
	if b.ended, err = openEnded(b.store, b.log); err != nil {
		return err
	}
	if b.past, err = openPastCalls(b.store, b.log); err != nil {
		return err
	}
	return restorePaces(b.gate, b.store, b.log)
}

func (b *box) openTalkers(context.Context) (err error) {
	b.core = ua.New(b.take, b.log)
	b.core.RunBy((&crew{}).run)
	b.edge = edge.New(edge.Options{Access: b.access, Conduct: b.bans, Handler: receive(b.core), Sink: b.facts, Log: b.log})
	bindings := registrar.Options{Core: b.core, Dialer: dialer{b.edge}, Sink: b.facts, Log: b.log, Kept: b.keptBinding()}
	if b.live != nil {
		bindings.Records = b.live
	}
	b.registrar = registrar.New(bindings)
	b.sources = &sources{filter: b.filter, access: b.access, bans: b.bans, log: b.log}
	b.resolver = resolve.New(resolve.Options{Log: b.log})
	b.trunks = trunk.New(trunk.Options{
		Core: b.core, Dialer: dialer{b.edge}, Resolver: b.resolver, Clients: b.authority, Addresses: b.sources,
		Plausible: func(a netip.Addr) error { return b.parties.plausible(a) },
		Moved:     func(trunk string) { b.desk.Moved(trunk); b.notices.Moved(trunk) },
		Quiet:     func(trunk string, least time.Duration) bool { return b.desk.Quiet(trunk, least) },
		Mapped: func(ctx context.Context, server netip.AddrPort) (netip.AddrPort, error) {
			return b.edge.Mapped(ctx, policy.SideOutside, server)
		},
		Sink: b.facts, Log: b.log,
	})
	b.parties = &parties{trunks: b.trunks, registrar: b.registrar, dialer: dialer{b.edge}, authority: b.authority}
	if b.phones, err = phones.New(phones.Options{
		Core: b.core, Dialer: dialer{b.edge}, Upstream: b.parties, Records: b.store, Conduct: b.bans, Sink: b.facts, Log: b.log,
	}); err != nil {
		return err
	}
	b.access.SetFlows(b.phones)
	b.rotations = &rotations{gate: b.access, prober: b.trunks, refused: b.refusedPassword, rotated: b.registrar.Rotated, store: b.store, random: rand.Reader, sink: b.facts, log: b.log}
	if err := b.rotations.load(); err != nil {
		return err
	}
	b.access.SetProved(b.rotations.proved)
	calls := call.Options{
		Parties: b.parties, Phones: telephones{b.phones, b.parties}, Told: told{b}, Relay: b.relay, Gate: b.callBacks,
		Sessions: b.relay, Core: b.core, Sink: b.facts, Log: b.log, Ended: b.noteEnded, Altered: b.altered,
		Certificates: b.openCertificates(), Timely: b.timely,
	}
	if b.live != nil {
		calls.Records = b.live
	}
	b.desk = call.NewDesk(calls)
	people := noticed{b.parties, telephones{b.phones, b.parties}}
	b.notices = notice.New(notice.Options{Core: b.core, Parties: people, Phones: people, Gate: b.gate, Calls: b.desk, Sink: b.facts, Log: b.log})
	b.config = apply.New(b.parts(), b.store, b.facts, b.log)
	b.rotations.config = b.config
	return nil
}

// noteEnded keeps what is known of a call that is over.
func (b *box) noteEnded(c call.Snapshot, e event.CallEnded) {
	b.ended.note(c, e)
	b.past.note(c, e)
}

func (b *box) openSystems(context.Context) error {
	voice, err := supervise.NewVoice()
	if err != nil {
		return err
	}
	if b.systems, err = openSystems("/", b.options.State, voice, b.store, b.log); err != nil {
		b.log.Error("no updates", "err", err)
	}
	if b.systems != nil {
		b.systems.kept, b.systems.up = b.forgetOlder, b.registered
	}
	return nil
}

func (b *box) openPage(ctx context.Context) (err error) {
	o := api.Options{Box: b, Bans: guard{b.bans}, Credentials: keyring{b.rotations}, Alarms: &b.emergencies, Fraud: b.frauds, Filter: filterView{b}, Sticks: stickView{b}, Systems: systemView{b}, Boards: hardwareView{b}, Admission: judging{b, b.past}, Accounts: b.store, Authority: b.authority, Pages: webui.Files(), Log: b.log}
	if b.options.Appliance {
		o.Claimable = b.window.open
	}
	if b.server, err = api.New(ctx, o); err != nil {
		return err
	}
	if b.password = b.server.FirstPassword(); b.options.Appliance {
		b.password, err = b.claim(ctx, b.password)
		return err // the screen shows it
	}
	if b.password != "" {
		_, fingerprint := b.authority.CA()
		fmt.Printf("First password of the page, shown this once:  %s\n", b.password)
		fmt.Printf("Fingerprint of the box's own authority (SHA-256):  %s\n", fingerprint)
	}
	return nil
}

// openSocket lets the command line in. It comes last: once the box says how it is, it takes calls.
func (b *box) openSocket(context.Context) error {
	return b.server.Listen(filepath.Join(b.options.State, api.SocketName))
}

// boot puts the confirmed policy into force, or the seed when there is none, or begins in set-up mode.
func (b *box) boot(ctx context.Context) error {
	defer b.settleFilter()
	if b.seed != nil {
		_, err := b.config.Import(ctx, b.seed, "the command line", "first policy, from "+filepath.Base(b.options.Policy))
		return err
	}
	configured, err := b.config.Boot(ctx)
	if err != nil && b.options.Appliance { // there is nobody else to mend it
		b.log.Error("the policy is not in force; the page answers as in set-up mode", "err", err)
		go b.bootAgain(ctx)
		return b.config.Again(ctx)
	}
	if err == nil && !configured {
		b.log.Warn("set-up mode: there is no policy, and no call passes", "page", "https, on the inside port", "inside", b.options.Inside)
	}
	return err
}

// settleFilter shuts the pinholes of calls that an earlier process left and this one has not taken up. Calls are taken up
// before it: within the policy's parts, each by opening its own pinholes again, which the kernel's table still has.
func (b *box) settleFilter() {
	if err := b.filter.Settle(); err != nil {
		b.log.Error("pinholes of an earlier process not shut", "err", err)
	}
}

// endCalls hangs the calls up. Who has called for help keeps the line as long as he needs it.
func (b *box) endCalls() {
	calls, done := context.WithTimeout(context.Background(), hangUpTime)
	defer done()
	b.desk.Drain(calls)
	help, over := context.WithTimeout(context.Background(), emergencyTime)
	defer over()
	b.desk.Finish(help)
	b.desk.Forget()
}

// shutFilter takes the filter's rules away, or leaves those that let nothing in.
func (b *box) shutFilter() error {
	if err := b.forwarder.Set(link.Forwarding{}); err != nil { // before the rules that say what passes are gone
		b.log.Error("the system goes on passing packets between its ports", "err", err)
	}
	if b.options.StayClosed {
		return b.filter.Deny(context.Background())
	}
	return b.filter.Remove()
}

// stop takes everything down in reverse: calls are hung up, trunks unregistered, the filter's table removed last.
func (b *box) stop() {
	if b.config != nil {
		b.config.Close()
		b.endCalls()
	}
	ctx, cancel := context.WithTimeout(context.Background(), restTime)
	defer cancel()
	if b.config != nil {
		b.notices.Drain(ctx)
		b.trunks.Close(ctx)
		b.registrar.Close()
		b.phones.Close()
	}
	b.responder.Set(mdns.Config{})
	b.lender.Set(dhcpserver.Config{}, nil)
	var errs []error
	if b.server != nil {
		errs = append(errs, b.server.Close(ctx))
	}
	if b.edge != nil {
		errs = append(errs, b.edge.Close())
	}
	if b.relay != nil {
		b.relay.Close()
	}
	if b.filter != nil {
		errs = append(errs, b.shutFilter())
	}
	if b.callBacks != nil {
		b.callBacks.save()
	}
	if b.ended != nil {
		b.ended.save()
	}
	if b.past != nil {
		b.past.save()
		savePaces(b.gate, b.store, b.log)
	}
	if b.frauds != nil {
		b.frauds.close()
	}
	if b.bans != nil {
		b.bans.close()
	}
	if b.store != nil {
		errs = append(errs, b.store.Close())
	}
	if err := errors.Join(errs...); err != nil {
		b.log.Error("stopped with faults", "err", err)
	} else if b.server != nil { // else it never ran
		b.log.Info("stopped")
	}
}
