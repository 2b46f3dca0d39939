package access

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"tollgate/firmware/policy"
)

const (
	user   = "office-pbx"
	secret = "a-secret-of-24-letters-x"
	called = "sip:0123456789@192.0.2.2"
)

var office10 = from(policy.SideInside, policy.UDP, "192.0.2.10")

func digestPolicy() *policy.Policy {
	p := office()
	p.PBX.Authentication, p.PBX.User, p.PBX.Secret = policy.AuthDigest, user, secret
	return p
}

func digestGate() *Gate { return New(digestPolicy(), rand.Reader) }

// challenged sends an INVITE without credentials and returns the challenges by algorithm.
func challenged(t testing.TB, g *Gate, at time.Time, s Source) map[string]*digest.Challenge {
	t.Helper()
	v := g.Identify(at, s, request(t, "INVITE", called))
	if v.Action != Challenge || v.Rule != RuleNoCredentials {
		t.Fatalf("an INVITE without credentials: %+v", v)
	}
	return challenges(t, v)
}

func challenges(t testing.TB, v Verdict) map[string]*digest.Challenge {
	t.Helper()
	out := map[string]*digest.Challenge{}
	for _, text := range v.Challenge {
		c, err := digest.ParseChallenge(text)
		if err != nil {
			t.Fatal(err)
		}
		out[c.Algorithm] = c
	}
	return out
}

// authorization makes an Authorization header with a client that is not ours.
func authorization(t testing.TB, c *digest.Challenge, o digest.Options) string {
	t.Helper()
	if o.Method == "" {
		o.Method = "INVITE"
	}
	if o.URI == "" {
		o.URI = called
	}
	if o.Username == "" {
		o.Username = user
	}
	if o.Password == "" {
		o.Password = secret
	}
	if o.Cnonce == "" {
		o.Cnonce = "c0ffee"
	}
	cred, err := digest.Digest(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: " + cred.String()
}

// transaction is an INVITE with a branch of its own.
func transaction(t testing.TB, branch string, headers ...string) *sip.Request {
	t.Helper()
	req := request(t, "INVITE", called, headers...)
	req.Via().Params.Add("branch", branch)
	return req
}

func TestTheChallengeOffersSHA256BeforeMD5(t *testing.T) {
	v := digestGate().Identify(noon, office10, request(t, "INVITE", called))
	if v.Status != 401 || v.ProxyAuth || v.Peer != pbx || len(v.Challenge) != 2 {
		t.Fatalf("%+v", v)
	}
	nonces := map[string]bool{}
	for i, alg := range []string{"SHA-256", "MD5"} {
		c, err := digest.ParseChallenge(v.Challenge[i])
		if err != nil || c.Algorithm != alg || c.Realm != "tollgate" || c.Stale || !c.SupportsQOP("auth") || len(c.QOP) != 1 {
			t.Errorf("challenge %d is %q, %v; want %s", i, v.Challenge[i], err, alg)
			continue
		}
		nonces[c.Nonce] = true
	}
	if len(nonces) != 1 {
		t.Errorf("nonces %v", nonces)
	}
}

func TestOnlyTheAlgorithmsOfThePolicyAreOfferedAndTaken(t *testing.T) {
	p := office()
	p.PBX.Authentication, p.PBX.User, p.PBX.Secret = policy.AuthDigest, user, secret
	g := New(p, rand.Reader)
	both := challenged(t, g, noon, office10)
	for _, only := range []string{"MD5", "SHA-256"} {
		p.PBX.DigestAlgorithms = []string{only}
		g.Set(p)
		if v := g.Identify(noon, office10, request(t, "INVITE", called)); len(v.Challenge) != 1 || challenges(t, v)[only] == nil {
			t.Errorf("%s alone: %v", only, v.Challenge)
		}
		for alg, c := range both { // issued before the change
			auth := authorization(t, c, digest.Options{Count: 1, Cnonce: only})
			want := map[bool]Action{true: Accept, false: Challenge}[alg == only]
			if v := g.Identify(noon, office10, transaction(t, "z9hG4bK"+alg+only, auth)); v.Action != want {
				t.Errorf("%s when %s is asked for: %+v", alg, only, v)
			}
		}
		p.PBX.DigestAlgorithms = nil
		g.Set(p)
		both = challenged(t, g, noon, office10)
	}
	p.PBX.DigestAlgorithms = []string{"MD5", "SHA-256"}
	g.Set(p)
	v := g.Identify(noon, office10, request(t, "INVITE", called))
	if first, err := digest.ParseChallenge(v.Challenge[0]); err != nil || first.Algorithm != "MD5" {
		t.Errorf("MD5 first: %v", v.Challenge)
	}
}

// registrarGate is of a policy whose PBX registers from anywhere in the office.
func registrarGate() *Gate {
	p := office()
	p.PBX = policy.PBX{
		ReachedBy: policy.ReachRegistration, Transport: policy.UDP, Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Authentication: policy.AuthDigest, User: user, Secret: secret,
	}
	return New(p, rand.Reader)
}

func TestARegistrationNeedsTheSecretWhateverItsToSays(t *testing.T) {
	const aor = "sip:192.0.2.2"
	g := registrarGate()
	register := func(s Source, headers ...string) Verdict {
		return g.Identify(noon, s, request(t, "REGISTER", aor, headers...))
	}
	plain, tagged := "To: <sip:office-pbx@192.0.2.2>", "To: <sip:office-pbx@192.0.2.2>;tag=of-a-dialog"
	for _, to := range []string{plain, tagged} {
		v := register(office10, to)
		if v.Action != Challenge || v.Rule != RuleNoCredentials || v.Status != 401 {
			t.Fatalf("%s: %+v", to, v)
		}
		c := challenges(t, v)["MD5"]
		good := authorization(t, c, digest.Options{Method: "REGISTER", URI: aor, Count: 1})
		if v := register(office10, to, good); v.Action != Accept || v.Peer != pbx {
			t.Errorf("%s with the secret: %+v", to, v)
		}
		wrong := register(office10, to, authorization(t, c, digest.Options{Method: "REGISTER", URI: aor, Count: 2, Password: "guessed-guessed"}))
		stranger := register(office10, to, authorization(t, c, digest.Options{Method: "REGISTER", URI: aor, Count: 3, Username: "nobody"}))
		for _, v := range []Verdict{wrong, stranger} {
			if v.Action != Challenge || v.Rule != RuleWrongDigest || v.Status != wrong.Status || v.Reason != wrong.Reason {
				t.Errorf("%s: a guess got %+v", to, v)
			}
		}
		elsewhere := from(policy.SideInside, policy.UDP, "192.0.2.66")
		if v := register(elsewhere, to, good); v.Action != Challenge {
			t.Errorf("%s: the same credentials from another address: %+v", to, v)
		}
	}
	outside := from(policy.SideOutside, policy.UDP, "198.51.100.200")
	if v := register(outside, plain); v.Action != Refuse || v.Status != 405 || v.Rule != RuleNoRegistrar {
		t.Errorf("a carrier: %+v", v)
	}
}

func TestThePBXIsAcceptedWithItsSecret(t *testing.T) {
	for _, alg := range []string{"SHA-256", "MD5"} {
		g := digestGate()
		c := challenged(t, g, noon, office10)[alg]
		for count := 1; count <= 40; count++ {
			auth := authorization(t, c, digest.Options{Count: count})
			if v := g.Identify(noon, office10, transaction(t, fmt.Sprint("z9hG4bK", count), auth)); v.Action != Accept || v.Peer != pbx {
				t.Fatalf("%s, use %d: %+v", alg, count, v)
			}
		}
	}
}

func TestTheComputationIsThatOfRFC7616(t *testing.T) {
	// RFC 7616 §3.9.1, both algorithms, over the same values.
	for alg, want := range map[string]string{
		algMD5:    "8ca523f5e9506fed4657c9700eebdbec",
		algSHA256: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
	} {
		ha1 := hash(alg, "Mufasa", "http-auth@example.org", "Circle of Life")
		got := hash(alg, ha1, "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "00000001",
			"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "auth", hash(alg, "GET", "/dir/index.html"))
		if got != want {
			t.Errorf("%s: %s, want %s", alg, got, want)
		}
	}
}

func TestWrongCredentialsAreRefusedAlike(t *testing.T) {
	good := digest.Options{}
	for name, c := range map[string]struct {
		options digest.Options
		change  func(string) string
	}{
		"secret":          {options: digest.Options{Password: "guess"}},
		"unknown user":    {options: digest.Options{Username: "100"}},
		"other method":    {options: digest.Options{Method: "BYE"}},
		"other number":    {options: digest.Options{URI: "sip:0899123456@192.0.2.2"}},
		"other host":      {options: digest.Options{URI: "sip:0123456789@192.0.2.3"}},
		"no URI":          {options: digest.Options{URI: "/"}},
		"altered cnonce":  {good, func(s string) string { return strings.Replace(s, "c0ffee", "c0ffed", 1) }},
		"altered nc":      {good, func(s string) string { return strings.Replace(s, "00000001", "00000002", 1) }},
		"no qop":          {good, func(s string) string { return strings.Replace(s, "qop=auth, ", "", 1) }},
		"auth-int":        {good, func(s string) string { return strings.Replace(s, "qop=auth,", "qop=auth-int,", 1) }},
		"other algorithm": {good, func(s string) string { return strings.Replace(s, "SHA-256", "SHA-512-256", 1) }},
		"session":         {good, func(s string) string { return strings.Replace(s, "SHA-256", "SHA-256-sess", 1) }},
		"downgrade":       {good, func(s string) string { return strings.Replace(s, "SHA-256", "MD5", 1) }},
		"no response":     {good, func(s string) string { return s[:strings.Index(s, ", response=")] }},
		"twice":           {good, func(s string) string { return s + `, realm="tollgate"` }},
		"unreadable":      {good, func(s string) string { return s + `, x="` }},
		"too long":        {good, func(s string) string { return s + `, x="` + strings.Repeat("x", maxCredentials) + `"` }},
	} {
		g := digestGate()
		auth := authorization(t, challenged(t, g, noon, office10)["SHA-256"], c.options)
		if c.change != nil {
			changed := c.change(auth)
			if changed == auth {
				t.Fatalf("%s changes nothing in %s", name, auth)
			}
			auth = changed
		}
		v := g.Identify(noon, office10, request(t, "INVITE", called, auth))
		if v.Action != Challenge || v.Status != 401 || v.Rule != RuleWrongDigest || v.Peer != pbx || v.Reason == "" {
			t.Errorf("%s: %+v", name, v)
			continue
		}
		if got := challenges(t, v); len(got) != 2 || got["SHA-256"].Stale {
			t.Errorf("%s: challenges %q", name, v.Challenge)
		}
	}
}

func TestAnUnknownUserGetsTheAnswerOfAWrongSecret(t *testing.T) {
	g := digestGate()
	c := challenged(t, g, noon, office10)["SHA-256"]
	secretWrong := g.Identify(noon, office10, request(t, "INVITE", called, authorization(t, c, digest.Options{Password: "guess"})))
	userWrong := g.Identify(noon, office10, request(t, "INVITE", called, authorization(t, c, digest.Options{Username: "100"})))
	secretWrong.Challenge, userWrong.Challenge = nil, nil
	secretWrong.User, userWrong.User = "", "" // for the one who counts names, not for the answer
	if fmt.Sprint(secretWrong) != fmt.Sprint(userWrong) {
		t.Errorf("wrong secret: %+v\nunknown user: %+v", secretWrong, userWrong)
	}
}

func TestANonceUsedBeforeIsStale(t *testing.T) {
	g := digestGate()
	c := challenged(t, g, noon, office10)["SHA-256"]
	third := authorization(t, c, digest.Options{Count: 3})
	if v := g.Identify(noon, office10, transaction(t, "z9hG4bK3", third)); v.Action != Accept {
		t.Fatalf("%+v", v)
	}
	for name, req := range map[string]*sip.Request{
		"the same credentials on another request": transaction(t, "z9hG4bK-other", third),
		"a lower count": transaction(t, "z9hG4bK2", authorization(t, c, digest.Options{Count: 2})),
	} {
		v := g.Identify(noon.Add(time.Second), office10, req)
		if v.Action != Challenge || v.Rule != RuleStaleNonce || !challenges(t, v)["SHA-256"].Stale || !challenges(t, v)["MD5"].Stale {
			t.Errorf("%s: %+v", name, v)
		}
	}
	if v := g.Identify(noon, office10, transaction(t, "z9hG4bK4", authorization(t, c, digest.Options{Count: 4}))); v.Action != Accept {
		t.Errorf("the next count: %+v", v)
	}
}

func TestARetransmissionOverUDPIsNoReplay(t *testing.T) {
	g := digestGate()
	c := challenged(t, g, noon, office10)["SHA-256"]
	first := transaction(t, "z9hG4bK1", authorization(t, c, digest.Options{Count: 1}))
	second := transaction(t, "z9hG4bK2", authorization(t, c, digest.Options{Count: 2}))
	for i, req := range []*sip.Request{first, first, second, first, second} {
		if v := g.Identify(noon.Add(time.Duration(i)*500*time.Millisecond), office10, req); v.Action != Accept {
			t.Fatalf("request %d: %+v", i, v)
		}
	}
	if v := g.Identify(noon.Add(33*time.Second), office10, first); v.Rule != RuleStaleNonce {
		t.Errorf("long after, when its transaction is gone: %+v", v)
	}
	tcp := office10
	tcp.Transport = policy.TCP
	if v := g.Identify(noon.Add(time.Second), tcp, first); v.Rule != RuleStaleNonce {
		t.Errorf("over TCP, where nothing is retransmitted: %+v", v)
	}
}

func TestANonceIsOnlyGoodForItsTimeItsPlaceAndItsBox(t *testing.T) {
	elsewhere := office10
	elsewhere.Addr = netip.MustParseAddrPort("[2001:db8::10]:5060")
	otherPort := office10
	otherPort.Addr = netip.AddrPortFrom(office10.Addr.Addr(), 40000)
	for _, c := range []struct {
		name   string
		at     time.Time
		source Source
		rule   string
	}{
		{"young", noon.Add(nonceLife), office10, ""},
		{"from another port", noon, otherPort, ""},
		{"old", noon.Add(nonceLife + time.Second), office10, RuleStaleNonce},
		{"from the future", noon.Add(-time.Second), office10, RuleStaleNonce},
		{"from another address", noon, elsewhere, RuleStaleNonce},
	} {
		g := digestGate()
		auth := authorization(t, challenged(t, g, noon, office10)["SHA-256"], digest.Options{})
		if v := g.Identify(c.at, c.source, request(t, "INVITE", called, auth)); v.Rule != c.rule {
			t.Errorf("%s: %+v, want rule %q", c.name, v, c.rule)
		}
	}
	g := digestGate()
	for _, nonce := range []string{challenged(t, digestGate(), noon, office10)["SHA-256"].Nonce, "made-up", "AAAA", strings.Repeat("A", 43)} {
		auth := authorization(t, &digest.Challenge{Realm: realm, Nonce: nonce, Algorithm: "SHA-256", QOP: []string{"auth"}}, digest.Options{})
		if v := g.Identify(noon, office10, request(t, "INVITE", called, auth)); v.Rule != RuleStaleNonce {
			t.Errorf("nonce %q of somebody else: %+v", nonce, v)
		}
	}
}

func TestANonceHasOneSpelling(t *testing.T) {
	g := digestGate()
	c := challenged(t, g, noon, office10)["SHA-256"]
	if v := g.Identify(noon, office10, transaction(t, "z9hG4bK1", authorization(t, c, digest.Options{}))); v.Action != Accept {
		t.Fatalf("%+v", v)
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, c.Nonce[len(c.Nonce)-1])
	for i := range 4 { // the two bits that stand for nothing
		other := *c
		other.Nonce = c.Nonce[:len(c.Nonce)-1] + string(alphabet[last&^3|i])
		if v := g.Identify(noon, office10, transaction(t, fmt.Sprint("z9hG4bK-", i), authorization(t, &other, digest.Options{}))); v.Rule != RuleStaleNonce {
			t.Errorf("%s after %s: %+v", other.Nonce, c.Nonce, v)
		}
	}
}

func TestNoncesAreForgottenWithoutBeingReplayable(t *testing.T) {
	g := digestGate()
	for range 100 {
		challenged(t, g, noon, office10)
	}
	if n := len(g.nonces.used); n != 0 {
		t.Fatalf("%d challenges are remembered although nobody has answered them", n)
	}
	first := transaction(t, "z9hG4bK-first", authorization(t, challenged(t, g, noon, office10)["MD5"], digest.Options{}))
	if v := g.Identify(noon, office10, first); v.Action != Accept {
		t.Fatalf("%+v", v)
	}
	for i := range maxNonces + 10 {
		auth := authorization(t, challenged(t, g, noon, office10)["MD5"], digest.Options{})
		if v := g.Identify(noon, office10, transaction(t, fmt.Sprint("z9hG4bK", i), auth)); v.Action != Accept {
			t.Fatalf("use %d: %+v", i, v)
		}
		if n := len(g.nonces.used); n > maxNonces {
			t.Fatalf("%d nonces are remembered", n)
		}
	}
	if v := g.Identify(noon, office10, transaction(t, "z9hG4bK-again", first.GetHeader("Authorization").String())); v.Rule != RuleStaleNonce {
		t.Errorf("replay of a forgotten nonce: %+v", v)
	}
	remembered := len(g.nonces.used)
	for i := range maxNonces - remembered + 1 { // the old ones make room by themselves
		later := noon.Add(nonceLife + time.Minute)
		auth := authorization(t, challenged(t, g, later, office10)["MD5"], digest.Options{})
		if v := g.Identify(later, office10, transaction(t, fmt.Sprint("z9hG4bK-later", i), auth)); v.Action != Accept {
			t.Fatalf("later use %d: %+v", i, v)
		}
	}
	if n := len(g.nonces.used); n > maxNonces-remembered+1 {
		t.Errorf("%d nonces are remembered, the old ones among them", n)
	}
}

func TestOnlyRequestsThatOpenSomethingNeedCredentials(t *testing.T) {
	g := digestGate()
	inDialog := "To: <sip:0123456789@192.0.2.2>;tag=2"
	for _, c := range []struct {
		req  *sip.Request
		want Action
	}{
		{request(t, "INVITE", called), Challenge},
		{request(t, "BYE", called), Challenge},
		{request(t, "MESSAGE", called), Challenge},
		{request(t, "SUBSCRIBE", called), Challenge},
		{request(t, "INVITE", called, "To: <sip:0123456789@192.0.2.2>;tag="), Challenge},
		{request(t, "ACK", called), Accept},
		{request(t, "CANCEL", called), Accept},
		{request(t, "OPTIONS", called), Accept},
		{request(t, "INVITE", called, inDialog), Accept},
		{request(t, "BYE", called, inDialog), Accept},
		{request(t, "ACK", called, inDialog), Accept},
	} {
		if v := g.Identify(noon, office10, c.req); v.Action != c.want {
			t.Errorf("%s to %s: %+v, want %s", c.req.Method, c.req.To().Value(), v, c.want)
		}
	}
	if v := g.Identify(noon, from(policy.SideOutside, policy.UDP, "198.51.100.200"), request(t, "INVITE", called)); v.Action != Accept {
		t.Errorf("a carrier is challenged: %+v", v)
	}
}

func TestCredentialsForOtherRealmsArePassedOver(t *testing.T) {
	g := digestGate()
	c := challenged(t, g, noon, office10)["SHA-256"]
	other := *c
	other.Realm = "carrier.example"
	foreign := authorization(t, &other, digest.Options{Password: "another"})
	ours := authorization(t, c, digest.Options{})
	if v := g.Identify(noon, office10, request(t, "INVITE", called, foreign)); v.Rule != RuleNoCredentials {
		t.Errorf("only foreign ones: %+v", v)
	}
	if v := g.Identify(noon, office10, request(t, "INVITE", called, "Authorization: Basic cGJ4OnNlY3JldA==", foreign, ours)); v.Action != Accept {
		t.Errorf("ours behind foreign ones: %+v", v)
	}
	many := make([]string, maxAuthorizations)
	for i := range many {
		many[i] = foreign
	}
	if v := g.Identify(noon, office10, request(t, "INVITE", called, append(many, ours)...)); v.Rule != RuleNoCredentials {
		t.Errorf("ours behind too many: %+v", v)
	}
}

func TestTheURIOfTheCredentialsMayDifferInItsParametersOnly(t *testing.T) {
	g := digestGate()
	uri := "sip:0123456789@192.0.2.2:5060;transport=udp"
	auth := authorization(t, challenged(t, g, noon, office10)["SHA-256"], digest.Options{URI: called})
	if v := g.Identify(noon, office10, request(t, "INVITE", uri, auth)); v.Action != Accept {
		t.Errorf("%+v", v)
	}
}

func TestANewSecretCountsAtOnce(t *testing.T) {
	g := digestGate()
	p := office()
	p.PBX.Authentication, p.PBX.User, p.PBX.Secret = policy.AuthDigest, user, "another-secret"
	c := challenged(t, g, noon, office10)["SHA-256"]
	g.Set(p)
	if v := g.Identify(noon, office10, request(t, "INVITE", called, authorization(t, c, digest.Options{}))); v.Rule != RuleWrongDigest {
		t.Errorf("the old secret: %+v", v)
	}
	auth := authorization(t, c, digest.Options{Password: "another-secret"})
	if v := g.Identify(noon, office10, request(t, "INVITE", called, auth)); v.Action != Accept {
		t.Errorf("the new secret: %+v", v)
	}
}

func TestTheGateNeverPrintsItsSecrets(t *testing.T) {
	p := office()
	p.PBX.Authentication, p.PBX.User, p.PBX.Secret = policy.AuthDigest, user, secret
	p.Trunks[0].Accounts = []policy.Account{{User: "a", Secret: secret}}
	g := New(p, rand.Reader)
	challenged(t, g, noon, office10) // makes the key of nonces
	known := g.peers.Load()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		text := fmt.Sprintf(strings.Repeat(verb, 4), g, known, *known, *known.account)
		for _, hidden := range []string{secret, hash(algMD5, user, realm, secret), hash(algSHA256, user, realm, secret)} {
			if strings.Contains(text, hidden) {
				t.Errorf("%s prints %s", verb, text)
			}
		}
	}
}

func TestCredentialsSentFiftyTimesAtOnceOpenTheGateOnce(t *testing.T) {
	g := digestGate()
	tcp := office10
	tcp.Transport = policy.TCP
	for range 20 {
		auth := authorization(t, challenged(t, g, noon, tcp)["SHA-256"], digest.Options{})
		var accepted atomic.Int32
		var wg sync.WaitGroup
		for i := range 50 {
			req := transaction(t, fmt.Sprint("z9hG4bK", i), auth)
			wg.Go(func() {
				if g.Identify(noon, tcp, req).Action == Accept {
					accepted.Add(1)
				}
			})
		}
		wg.Go(func() { g.SetResolved("carrier-a", nil) })
		wg.Wait()
		if n := accepted.Load(); n != 1 {
			t.Fatalf("accepted %d times", n)
		}
	}
}

// What an attacker could measure is work. It is counted here, because a clock would tell of the machine's other work too. The length
// of the name that he sends himself is the only thing that it may depend on.
func TestAnUnknownUserCostsTheWorkOfAWrongSecret(t *testing.T) {
	g := digestGate()
	c := challenged(t, g, noon, office10)["SHA-256"]
	work := func(user, password string) float64 {
		req := request(t, "INVITE", called, authorization(t, c, digest.Options{Username: user, Password: password}))
		return testing.AllocsPerRun(200, func() {
			if v := g.Identify(noon, office10, req); v.Rule != RuleWrongDigest {
				t.Fatalf("%+v", v)
			}
		})
	}
	known := work("office-pbx", "guess")
	for _, user := range []string{"office-pby", "office-xxx", "0123456789"} {
		if got := work(user, "guess"); got != known {
			t.Errorf("%s: %v steps, a wrong secret %v", user, got, known)
		}
	}
}

func TestTwoSecretsCountWhileOneReplacesTheOther(t *testing.T) {
	g := digestGate()
	var which []int
	g.SetProved(func(_ time.Time, _ Source, n int) { which = append(which, n) })
	try := func(password string) Action {
		c := challenged(t, g, noon, office10)["SHA-256"]
		return g.Identify(noon, office10, request(t, "INVITE", called, authorization(t, c, digest.Options{Password: password}))).Action
	}
	old := string(digestPolicy().PBX.Secret)
	const next = "the-next-secret-of-the-PBX"
	if try(old) != Accept || try(next) != Challenge {
		t.Fatal("before the rotation")
	}
	g.Accept(policy.HashSecret("office-pbx", next)) // only its hashes are known
	if try(next) != Accept || try(old) != Accept || try("neither") != Challenge {
		t.Fatal("both should count")
	}
	g.Set(digestPolicy()) // another change of the policy in between
	if try(next) != Accept {
		t.Error("a change of the policy has ended the rotation")
	}
	g.Accept()
	if try(next) != Challenge || try(old) != Accept {
		t.Error("after it was called off")
	}
	if want := []int{0, 1, 0, 1, 0}; fmt.Sprint(which) != fmt.Sprint(want) {
		t.Errorf("proved with %v, want %v", which, want)
	}
}
