package call

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/access"
	"tollgate/firmware/admission"
	"tollgate/firmware/media"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/siptest"
	"tollgate/firmware/ua"
)

// The invariant: from an identified PBX, once a trunk exists, an emergency call reaches a live trunk in every state of the
// box, and the emergency service can call back. It is tried on random policies and states, with the real admission, routes,
// access, relay and call, and scripted peers. A round depends on its seed alone: -seed N -rounds 1 repeats one.
var (
	firstSeed = flag.Uint64("seed", 0, "seed of the first round; 0: a new one")
	rounds    = flag.Int("rounds", 1200, "how many rounds")
)

// conduct is what a scripted trunk does with an INVITE.
type conduct string

const (
	live       conduct = "takes the call, in the clear or not"
	liveClear  conduct = "takes the call in the clear only"
	liveSecret conduct = "takes the call encrypted only"
	refuses    conduct = "refuses"
	silentOne  conduct = "says nothing"
	deadOne    conduct = "cannot be reached"
	stalls     conduct = "says 100 Trying and no more"
	ringsOut   conduct = "rings and then fails"
	redirects  conduct = "sends the call elsewhere"
	unusable   conduct = "answers with what cannot be used"
)

// takes tells whether a trunk with this conduct takes an emergency call under a policy's SRTP mode.
func (c conduct) takes(mode policy.SRTPMode) bool {
	switch c {
	case live, liveClear:
		return true
	case liveSecret:
		return mode != policy.SRTPOff
	}
	return false
}

// roundPlan is one random policy and state.
type roundPlan struct {
	seed     uint64
	rng      *mathrand.Rand
	policy   *policy.Policy
	conducts []conduct
	refusal  int // status of a trunk that refuses
	down     map[string]bool
	number   string // the emergency number
	dialled  string
	caller   string // whom the PBX shows: its own number, an extension, or a number of somebody else
	draining bool
	full     bool // every cap is reached
	noPorts  bool // an ordinary call has all ports
	offer    string
	headers  []sip.Header
	withheld bool
	wraps    bool // trunks answer with bodies of several parts
}

func pick[T any](r *mathrand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// hostile is an admission that lets little or nothing through.
func hostile(r *mathrand.Rand, calling string) policy.Admission {
	everything := []string{"+", "1", "9"}
	return policy.Admission{
		Classes: pick(r, nil, policy.OpenClasses()),
		Rules: pick(r, nil,
			[]policy.CallRule{{Name: "nothing", Action: policy.ActionDeny, Direction: policy.CallsOut}, {Name: "nobody", Action: policy.ActionDeny, Direction: policy.CallsIn}},
			[]policy.CallRule{{Name: "home", Action: policy.ActionDeny, Direction: policy.CallsOut, Prefixes: append([]string{calling}, everything...), Callers: []string{policy.Anonymous, "+"}}}),
		Caps:   pick(r, nil, []policy.CallCap{{Name: "one", Calls: 1, PerSecond: 1}, {Name: "short", Prefixes: everything, EachCaller: true, PerSecond: 1}}),
		Pacing: pick(r, policy.Pacing{}, policy.Pacing{AttemptsPerHour: 1, Repeats: 1, ShortPercent: 1, UnansweredPercent: 1, LeastCalls: 1, ShortSeconds: 6}),
	}
}

func newRound(seed uint64) *roundPlan {
	r := mathrand.New(mathrand.NewPCG(seed, 112))
	modes := []policy.SRTPMode{policy.SRTPOff, policy.SRTPOptional, policy.SRTPRequired}
	p := &policy.Policy{Site: policy.Site{Country: pick(r, "FR", "FR", "FR", "DE", "GB", "RE")}}
	p.Limits.Calls = 1 + r.IntN(3)
	p.PBX = policy.PBX{
		Address: netip.MustParseAddrPort("192.0.2.10:5060"), Transport: policy.UDP, SRTP: pick(r, modes...), Codecs: []string{"PCMA", "PCMU"},
		NumberFormat:  pick(r, policy.FormatE164, policy.FormatNational, policy.FormatDoubleZero, policy.FormatPlain),
		OutsidePrefix: pick(r, "", "0", "9", "1", "00"), Authentication: pick(r, policy.AuthAddress, policy.AuthDigest),
		User: "office", Secret: "a-secret-of-24-letters-x",
	}
	plan := &roundPlan{seed: seed, rng: r, policy: p, refusal: pick(r, 403, 404, 408, 480, 484, 486, 488, 500, 503, 600, 603), down: map[string]bool{}}
	calling := map[string]string{"FR": "+33", "DE": "+49", "GB": "+44", "RE": "+262"}[p.Site.Country]
	office := map[string]string{"FR": "+331234567", "DE": "+493012345", "GB": "+4420794600", "RE": "+2622624567"}[p.Site.Country]
	var names []string
	for i := range 1 + r.IntN(4) {
		t := policy.Trunk{
			Name: fmt.Sprintf("carrier-%d", i), Domain: fmt.Sprintf("carrier-%d.example", i), SRTP: pick(r, modes...), Codecs: []string{"PCMA", "PCMU"},
			NumberFormat: pick(r, policy.FormatE164, policy.FormatDoubleZero, policy.FormatPlain),
			Accounts:     []policy.Account{{User: "office", Numbers: []string{fmt.Sprintf("%s%02d", office, 10+i)}}},
		}
		t.Caps.Calls = r.IntN(2)
		t.UnownedNumbers, t.ClipNoScreening = pick(r, policy.UnownedReplace, policy.UnownedRefuse), r.IntN(2) == 0
		p.Trunks, names = append(p.Trunks, t), append(names, t.Name)
		plan.conducts = append(plan.conducts, pick(r, live, liveClear, liveSecret, refuses, silentOne, deadOne, stalls, ringsOut, redirects, unusable))
		plan.down[t.Name] = r.IntN(4) == 0
	}
	sure := r.IntN(len(names)) // one trunk at least is alive
	plan.conducts[sure] = pick(r, live, liveClear)
	for i := range r.IntN(4) {
		some := slices.Clone(names)
		r.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		p.Routes = append(p.Routes, policy.Route{Name: fmt.Sprint("route ", i), Prefixes: []string{pick(r, "+", calling, "+1", "+332")}, Trunks: some[:1+r.IntN(len(some))]})
	}
	p.Admission = hostile(r, calling)
	p.PBX.Suites = suitesOf(r, p.PBX.SRTP)
	for i := range p.Trunks {
		p.Trunks[i].Suites = suitesOf(r, p.Trunks[i].SRTP)
	}
	plan.state(calling)
	return plan
}

// suitesOf are what a policy has for a peer; the scripted ones speak the first alone.
func suitesOf(r *mathrand.Rand, mode policy.SRTPMode) []policy.Suite {
	if mode == policy.SRTPOff {
		return nil
	}
	return pick(r, []policy.Suite{policy.SuiteAESCM128SHA180}, policy.DefaultSuites())
}

// state draws how the PBX calls, and what the box is in the middle of.
func (plan *roundPlan) state(calling string) {
	r, p := plan.rng, plan.policy
	numbers, err := numbering.For(p.Site.Country)
	if err != nil {
		panic(err)
	}
	plan.number = pick(r, numbers.EmergencyNumbers()...)
	plan.dialled = pick(r, plan.number, plan.number, p.PBX.OutsidePrefix+plan.number, "+"+plan.number, calling+plan.number, plan.number[:1]+"-"+plan.number[1:])
	if n, err := numbers.Read(plan.dialled, p.PBX.OutsidePrefix); err != nil || !n.Emergency() {
		plan.dialled = plan.number // not every plan knows every spelling
	}
	if r.IntN(6) == 0 { // the service instead of its number
		plan.dialled = pick(r, "urn:service:sos", "urn:service:sos.police", "urn:service:sos.fire", "urn:service:sos.gas")
	}
	plan.draining, plan.full, plan.noPorts = r.IntN(3) == 0, r.IntN(2) == 0, r.IntN(3) == 0
	offers := []string{clearSDP("192.0.2.50"), secureSDP("192.0.2.50")}
	if p.PBX.SRTP != policy.SRTPRequired {
		offers = append(offers, "")
	}
	plan.offer, plan.withheld = pick(r, offers...), r.IntN(4) == 0
	if plan.offer != "" {
		plan.offer = pick(r, plan.offer, plan.offer, withPlace(plan.offer), mustKnow(plan.offer))
	}
	plan.wraps = r.IntN(4) == 0
	plan.caller = pick(r, p.Trunks[0].Accounts[0].Numbers[0], p.Trunks[0].Accounts[0].Numbers[0], "201", "+447700900123")
	if r.IntN(4) == 0 {
		plan.headers = append(plan.headers, sip.NewHeader("Require", "teleport"))
	}
	if r.IntN(4) == 0 {
		plan.headers = append(plan.headers, sip.NewHeader("Supported", "timer"), sip.NewHeader("Session-Expires", "10"))
	}
	if plan.withheld {
		plan.headers = append(plan.headers, sip.NewHeader("Privacy", "id"))
	}
	if p.PBX.Authentication == policy.AuthDigest && r.IntN(2) == 0 {
		plan.headers = append(plan.headers, sip.NewHeader("Authorization", `Digest username="office", realm="tollgate", nonce="old", uri="sip:x@192.0.2.1", response="00000000000000000000000000000000"`))
	}
}

func (plan *roundPlan) String() string {
	var b strings.Builder
	p := plan.policy
	fmt.Fprintf(&b, "seed %d: %s in %s dials %s, prefix %q, srtp %s, authentication %s, draining %v, full %v, no ports %v, headers %v\n",
		plan.seed, plan.caller, p.Site.Country, plan.dialled, p.PBX.OutsidePrefix, p.PBX.SRTP, p.PBX.Authentication, plan.draining, plan.full, plan.noPorts, plan.headers)
	for i, t := range p.Trunks {
		fmt.Fprintf(&b, "  %s srtp %s, unowned numbers %s, down %v: %s\n", t.Name, t.SRTP, t.UnownedNumbers, plan.down[t.Name], plan.conducts[i])
	}
	return b.String()
}

// sabotage breaks a part of the box; zero values leave it whole.
type sabotage struct {
	gate     func(Gate) Gate
	relay    func(Relay) Relay
	routes   func(*policy.Policy) *policy.Policy
	identify func(*policy.Policy) *policy.Policy
}

// relays are shared by all rounds, because a relay runs on the real clock.
type relays struct{ roomy, tiny *media.Relay }

func newRelays(t *testing.T) relays {
	open := func(low, high uint16) *media.Relay {
		r, err := media.New(nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		if err := r.Set(t.Context(), mediaConfig(low, high)); err != nil {
			t.Fatal(err)
		}
		return r
	}
	return relays{open(31000, 31199), open(31200, 31201)} // the second has room for one call
}

// trial is one round under way.
type trial struct {
	plan   *roundPlan
	access *access.Gate
	gate   Gate
	desk   *Desk
	core   *ua.Core
	pbx    *actor
	trunks []*scripted
	facts  *facts
	turned atomic.Int32 // how many requests access has not let through
}

// scripted is a carrier with its conduct.
type scripted struct {
	*actor
	policy  policy.Trunk
	conduct conduct
	down    bool
	wraps   bool // answers with bodies of several parts

	mu     sync.Mutex
	taken  []*ua.Incoming // the calls that it has answered, and how
	secure bool
}

// Receive lets through what access does.
func (w *trial) Receive(m sip.Message, conn sip.Connection, peer policy.Peer) {
	if req, ok := m.(*sip.Request); ok {
		source := access.Source{Side: policy.SideInside, Transport: policy.UDP, Addr: w.plan.policy.PBX.Address}
		if v := w.access.Identify(time.Now(), source, req); v.Action != access.Accept {
			w.turned.Add(1)
			return
		}
	}
	w.core.Receive(m, conn, peer)
}

// PBX and Trunk show the peers to the desk.
func (w *trial) PBX() (Party, bool) {
	p := w.plan.policy.PBX
	return Party{Peer: w.pbx.peer, Path: w.pbx.boxEnd, Local: ua.Local{Host: "192.0.2.1", Port: 5060, Transport: "UDP"},
		Domain: "192.0.2.10", SRTP: p.SRTP, Suites: p.Suites, Codecs: p.Codecs, Format: p.NumberFormat}, true
}

func (w *trial) Down(trunk string) bool {
	party, ok := w.Trunk(trunk)
	return ok && party.Down
}

func (w *trial) Trunk(name string) (Party, bool) {
	for _, t := range w.trunks {
		if t.policy.Name == name {
			return Party{Peer: t.peer, Path: t.boxEnd, Down: t.down, Local: ua.Local{Host: "198.51.100.2", Port: 5060, Transport: "UDP"},
				Domain: t.policy.Domain, SRTP: t.policy.SRTP, Suites: t.policy.Suites, Codecs: t.policy.Codecs, Format: t.policy.NumberFormat,
				Unowned: t.policy.UnownedNumbers, ClipNoScreening: t.policy.ClipNoScreening}, true
		}
	}
	return Party{}, false
}

func newTrial(t *testing.T, plan *roundPlan, shared relays, broken sabotage) *trial {
	numbers, err := numbering.For(plan.policy.Site.Country)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	if *rounds == 1 {
		log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	whole := func(p *policy.Policy) *policy.Policy { return p }
	if broken.identify == nil {
		broken.identify = whole
	}
	if broken.routes == nil {
		broken.routes = whole
	}
	w := &trial{plan: plan, facts: &facts{}, access: access.New(broken.identify(plan.policy), rand.Reader), gate: admission.New(plan.policy)}
	var relay Relay = shared.roomy
	if plan.noPorts {
		relay = shared.tiny
	}
	if broken.gate != nil {
		w.gate = broken.gate(w.gate)
	}
	if broken.relay != nil {
		relay = broken.relay(relay)
	}
	w.desk = NewDesk(Options{Parties: w, Relay: relay, Gate: w.gate, Sink: w.facts, Log: log})
	w.desk.Set(Settings{Plan: numbers, Routes: route.New(broken.routes(plan.policy), time.UTC), OutsidePrefix: plan.policy.PBX.OutsidePrefix})
	w.core = ua.New(w.desk.Handle, log)
	w.pbx = join(t, w, policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX})
	for i, tr := range plan.policy.Trunks {
		s := &scripted{actor: join(t, w.core, policy.Peer{Side: policy.SideOutside, Name: tr.Name}), policy: tr, conduct: plan.conducts[i], down: plan.down[tr.Name], wraps: plan.wraps}
		s.boxEnd.Dead = s.conduct == deadOne
		if s.conduct == silentOne {
			s.boxEnd.Lose = func(string) bool { return true }
		}
		w.trunks = append(w.trunks, s)
	}
	return w
}

// join is newActor with somebody before the box.
func join(t *testing.T, door siptest.Receiver, peer policy.Peer) *actor {
	a := &actor{t: t, peer: peer, calls: make(chan *ua.Incoming, 16)}
	a.core = ua.New(func(in *ua.Incoming) { a.calls <- in }, slog.New(slog.DiscardHandler))
	a.boxEnd, a.end = siptest.Join(t, door, peer, a.core, box)
	return a
}

// run plays a peer that is called until ctx ends.
func (c *scripted) run(ctx context.Context, refusal int) {
	for {
		select {
		case in := <-c.calls:
			c.take(in, refusal)
			go hold(ctx, in)
		case <-ctx.Done():
			return
		}
	}
}

// hold answers what comes within a call.
func hold(ctx context.Context, in *ua.Incoming) {
	defer in.Inbox.Close()
	for {
		e, err := in.Inbox.Next(ctx)
		if err != nil {
			return
		}
		if e.Request != nil && e.Err == nil && e.Request.Method == sip.BYE {
			_ = e.Request.Respond(in.Inbox, ua.Reply{Status: 200})
			return
		}
	}
}

func (c *scripted) take(in *ua.Incoming, refusal int) {
	secure := strings.Contains(string(in.Body()), "RTP/SAVP")
	ua.Accept(in, ua.Local{Host: "203.0.113.7", Port: 5060, Transport: "UDP"}, "sip:gw@203.0.113.7")
	answer := func(status int, body string) {
		if c.wraps && body != "" {
			body = mustKnow(body)
		}
		r := ua.Reply{Status: status, Contact: "sip:gw@203.0.113.7", Body: []byte(body), ContentType: typeOf(body)}
		if status/100 == 3 {
			r.Contact = "sip:0899123456@203.0.113.7"
		}
		_ = in.Respond(in.Inbox, r)
	}
	switch c.conduct {
	case refuses:
		answer(refusal, "")
	case stalls:
		answer(100, "")
	case ringsOut:
		answer(180, "")
		answer(500, "")
	case redirects:
		answer(302, "")
	case unusable:
		answer(200, "v=0\r\n")
	case live, liveClear, liveSecret:
		if secure && c.conduct == liveClear || !secure && c.conduct == liveSecret {
			answer([]int{400, 403, 406, 415, 488, 500, 606}[len(in.CallID().Value())%7], "")
			return
		}
		body := clearSDP("203.0.113.8")
		if secure {
			body = secureSDP("203.0.113.8")
		}
		c.mu.Lock()
		c.taken, c.secure = append(c.taken, in), secure
		c.mu.Unlock()
		answer(180, "")
		answer(200, body)
	}
}

// callOf makes an actor call; done reports the final status and, when it is 2xx, has acknowledged it.
func (w *trial) callOf(ctx context.Context, a *actor, user, dialled, offer string, headers []sip.Header) (*dialog, int, error) {
	uri := "sip:" + dialled + "@192.0.2.1"
	if strings.HasPrefix(dialled, "urn:") {
		uri = dialled
	}
	d := ua.Draft{
		Method: sip.INVITE, URI: uri, From: "sip:" + user + "@192.0.2.10", To: uri,
		FromTag: ua.NewTag(), CallID: ua.NewCallID(), Seq: 1, Contact: "sip:x@192.0.2.10",
		Local: ua.Local{Host: "192.0.2.10", Port: 5060, Transport: "UDP"}, Body: []byte(offer), ContentType: typeOf(offer), MaxForwards: 70, Headers: headers,
	}
	req, err := d.Request()
	if err != nil {
		return nil, 0, err
	}
	c := &dialog{a: a, box: a.core.NewInbox(), state: d.Begin()}
	a.t.Cleanup(c.box.Close)
	c.box.Attach(d.CallID, d.FromTag, box)
	if c.out, err = c.box.Send(ctx, req, box, a.end, c.state, nil); err != nil {
		return nil, 0, err
	}
	for {
		e, err := c.box.Next(ctx)
		switch {
		case err != nil:
			return nil, 0, err
		case e.Err != nil:
			return nil, 0, e.Err
		case e.Response == nil || e.Response.IsProvisional():
			continue
		case !e.Response.IsSuccess():
			return nil, e.Response.StatusCode, nil
		}
		c.state.Established(e.Response)
		var answer []byte
		if offer == "" {
			answer = []byte(clearSDP("192.0.2.50"))
		}
		return c, e.Response.StatusCode, c.out.Ack(answer)
	}
}

// hangUp ends a call and waits for the answer.
func (c *dialog) hangUp(ctx context.Context) error {
	out, err := c.box.Send(ctx, c.state.Request(sip.BYE), box, c.a.end, c.state, nil)
	for err == nil {
		var e ua.Event
		if e, err = c.box.Next(ctx); err == nil && e.Sent == out {
			return nil
		}
	}
	return err
}

// play is the round: the state, the emergency call, the call back.
func (w *trial) play() error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Hour)
	defer func() {
		over, end := context.WithCancel(context.Background())
		end()
		w.desk.Drain(over)
		w.desk.Finish(over)
		time.Sleep(2 * time.Minute) // what was cancelled and gives no answer is given up
		cancel()
		synctest.Wait()
	}()
	for _, t := range w.trunks {
		go t.run(ctx, w.plan.refusal)
	}
	if err := w.prepareState(ctx); err != nil {
		return err
	}
	user := w.plan.caller
	if w.plan.withheld {
		user = "anonymous"
	}
	begun := time.Now()
	call, status, err := w.callOf(ctx, w.pbx, user, w.plan.dialled, w.plan.offer, w.plan.headers)
	if err != nil || status != 200 {
		return fmt.Errorf("the emergency call failed after %v: %d %w, %d requests turned away", time.Since(begun), status, err, w.turned.Load())
	}
	if took := time.Since(begun); took > time.Minute {
		return fmt.Errorf("it took %v", took)
	}
	time.Sleep(time.Second)
	by, err := w.taker()
	if err != nil {
		return err
	}
	if err := call.hangUp(ctx); err != nil {
		return fmt.Errorf("hang up: %w", err)
	}
	return w.callBack(ctx, by)
}

// prepareState brings the box into the state of the plan.
func (w *trial) prepareState(ctx context.Context) error {
	p := w.plan.policy
	if w.plan.noPorts { // an ordinary call, if the policy lets one through
		ordinary := map[string]string{"FR": "+33472105518", "DE": "+4930123456", "GB": "+442079460000", "RE": "+262262123456"}[p.Site.Country]
		offer := clearSDP("192.0.2.51")
		if p.PBX.SRTP == policy.SRTPRequired {
			offer = secureSDP("192.0.2.51")
		}
		w.access.Set(&policy.Policy{PBX: policy.PBX{Address: p.PBX.Address, Transport: policy.UDP}})
		c, _, err := w.callOf(ctx, w.pbx, "201", ordinary, offer, nil)
		w.access.Set(p)
		if err != nil {
			return fmt.Errorf("the ordinary call: %w", err)
		}
		if c != nil {
			go func() { // it lasts until the box ends it
				for {
					if e, err := c.box.Next(ctx); err != nil || e.Request != nil && e.Err == nil && e.Request.Method == sip.BYE {
						if err == nil {
							_ = e.Request.Respond(c.box, ua.Reply{Status: 200})
						}
						return
					}
				}
			}()
		}
		for _, t := range w.trunks {
			t.mu.Lock()
			t.taken = nil
			t.mu.Unlock()
		}
	}
	if w.plan.full {
		paris := numbering.Number{E164: "+33123456789", Class: numbering.National, CallingCode: "33"}
		for _, t := range p.Trunks {
			for range p.Limits.Calls {
				w.gate.Admit(admission.Attempt{Caller: policy.Peer{Side: policy.SideOutside, Name: t.Name}, Trunk: t.Name, Number: paris, At: time.Now()})
			}
		}
	}
	if w.plan.draining {
		w.desk.mu.Lock()
		w.desk.draining = true // Drain would also hang the ordinary call up
		w.desk.mu.Unlock()
	}
	return nil
}

// taker is the trunk that has the emergency call: one, alive, and it was shown a number.
func (w *trial) taker() (*scripted, error) {
	var by *scripted
	for _, t := range w.trunks {
		t.mu.Lock()
		n := len(t.taken)
		t.mu.Unlock()
		switch {
		case n > 1 || n == 1 && by != nil:
			return nil, errors.New("the call was answered twice")
		case n == 1:
			by = t
		}
	}
	if by == nil {
		return nil, errors.New("no trunk has the call, and the caller was told it was answered")
	}
	if !by.conduct.takes(by.policy.SRTP) {
		return nil, fmt.Errorf("%s has the call, which cannot be", by.policy.Name)
	}
	in := by.taken[0]
	if from := in.From().Address.User; from == "anonymous" || len(in.GetHeaders("Privacy")) > 0 {
		return nil, fmt.Errorf("the emergency service is not shown who calls: %s", in.From())
	}
	if calls := w.desk.Calls(); !slices.ContainsFunc(calls, func(c Snapshot) bool { return c.Emergency && c.State == Answered }) {
		return nil, fmt.Errorf("no emergency call is shown: %+v", calls)
	}
	return by, nil
}

// callBack has the emergency service call the number that it was shown.
func (w *trial) callBack(ctx context.Context, by *scripted) error {
	offer := clearSDP("203.0.113.8")
	if by.secure {
		offer = secureSDP("203.0.113.8")
	}
	go func() {
		select {
		case in := <-w.pbx.calls:
			body := clearSDP("192.0.2.50")
			if strings.Contains(string(in.Body()), "RTP/SAVP") {
				body = secureSDP("192.0.2.50")
			}
			ua.Accept(in, ua.Local{Host: "192.0.2.10", Port: 5060, Transport: "UDP"}, "sip:x@192.0.2.10")
			_ = in.Respond(in.Inbox, ua.Reply{Status: 200, Contact: "sip:x@192.0.2.10", Body: []byte(body), ContentType: sdpType})
			hold(ctx, in)
		case <-ctx.Done():
		}
	}()
	time.Sleep(50 * time.Minute) // the service takes its time
	shown := by.taken[0].From().Address.User
	patient, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c, status, err := w.callOf(patient, by.actor, "112", shown, offer, nil)
	if err != nil || status != 200 {
		return fmt.Errorf("the call back to %s failed: %d %w", shown, status, err)
	}
	return c.hangUp(ctx)
}

// runRound plays one round on a clock of its own.
func runRound(t *testing.T, plan *roundPlan, shared relays, broken sabotage) (err error) {
	synctest.Test(t, func(t *testing.T) { err = newTrial(t, plan, shared, broken).play() })
	return err
}

func TestAnEmergencyCallReachesALiveTrunkUnderEveryPolicyAndInEveryState(t *testing.T) {
	seed := *firstSeed
	if seed == 0 {
		seed = mathrand.Uint64() >> 20
	}
	t.Logf("first seed %d", seed)
	shared, failed := newRelays(t), 0
	for i := range *rounds {
		plan := newRound(seed + uint64(i))
		if err := runRound(t, plan, shared, sabotage{}); err != nil {
			t.Errorf("%v\n%s", err, plan)
			if failed++; failed == 5 {
				t.Fatal("and so on")
			}
		}
	}
}

// judgesAll is a gate that knows no emergency.
type judgesAll struct{ Gate }

func (g judgesAll) Admit(a admission.Attempt) (*admission.Ticket, *admission.Refusal) {
	a.Number.Class = numbering.National
	return g.Gate.Admit(a)
}

// yields is a relay that does not say why it has no ports.
type yields struct{ Relay }

func (r yields) Open(call string, caller, callee policy.Side) (*media.Session, error) {
	s, err := r.Relay.Open(call, caller, callee)
	if err != nil {
		return nil, errors.New("no ports")
	}
	return s, nil
}

// forgets is a gate that expects no call back.
type forgets struct{ Gate }

func (forgets) ExpectCallBack(numbering.Number, time.Time) {}

func TestABoxThatBreaksTheInvariantIsFound(t *testing.T) {
	shared := newRelays(t)
	for name, broken := range map[string]sabotage{
		"a gate that knows no emergency":       {gate: func(g Gate) Gate { return judgesAll{g} }},
		"a gate that expects no call back":     {gate: func(g Gate) Gate { return forgets{g} }},
		"an ordinary call that makes no room":  {relay: func(r Relay) Relay { return yields{r} }},
		"routes that leave all trunks but one": {routes: func(p *policy.Policy) *policy.Policy { q := *p; q.Trunks = p.Trunks[:1]; return &q }},
		"an access that knows no emergency":    {identify: func(p *policy.Policy) *policy.Policy { q := *p; q.Site.Country = "US"; return &q }},
		"an access that knows no outside line": {identify: func(p *policy.Policy) *policy.Policy { q := *p; q.PBX.OutsidePrefix = ""; return &q }},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range 400 {
				if err := runRound(t, newRound(uint64(i)), shared, broken); err != nil {
					t.Logf("found in round %d: %v", i+1, err)
					return
				}
			}
			t.Error("400 rounds found nothing")
		})
	}
}
