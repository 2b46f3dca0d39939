package branch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tollgate/scripts/lab/capture"
	"tollgate/scripts/lab/tone"
)

// Check is one proof: what is claimed, and a function that says what it saw or why the claim is false.
type Check struct {
	Claim string
	Prove func(context.Context) (saw string, err error)
}

// Checks are the proofs of a branch with the usual wishes, in their order: later ones look at what earlier ones did.
func (b *Branch) Checks() []Check {
	out, in := b.Outgoing(), b.Incoming()
	return []Check{
		{"the trunk is registered over TLS", b.trunkUp},
		{"a call from the office to the carrier", b.placed(out)},
		{"  the carrier's subscriber hears the office", b.hears(out.To.Name)},
		{"  the office hears the carrier's subscriber", b.hears(out.From.Name)},
		{"a call from the carrier to the office", b.placed(in)},
		{"  the office hears the carrier's subscriber", b.hears(in.To.Name)},
		{"  the carrier's subscriber hears the office", b.hears(in.From.Name)},
		{"carrier's link: all signalling is TLS 1.2 or 1.3", b.signallingSecret},
		{"carrier's link: the audio cannot be heard", b.audioSecret},
		{"  the same tap on the office's link hears it", b.tapWorks},
		{"carrier's side: nothing of the office leaks", b.noLeak},
		{"web page: reachable from the office", b.pageInside},
		{"web page: closed to the carrier's side", b.pageOutside},
		{"the box is at rest again", b.rest},
	}
}

func (b *Branch) trunkUp(ctx context.Context) (string, error) {
	if err := b.Box.AwaitTrunk(ctx); err != nil {
		return "", err
	}
	s, err := b.Box.Status(ctx)
	if err != nil {
		return "", err
	}
	t := s.Trunks[0]
	if !strings.HasPrefix(t.TLSVersion, "TLS 1.") {
		return "", fmt.Errorf("the box names no TLS version of its trunk: %q", t.TLSVersion)
	}
	return fmt.Sprintf("%s %s as %s, %s", t.Name, t.State, TrunkNumber, t.TLSVersion), nil
}

// placed proves that a call is answered, carries packets both ways, encrypted outside, and ends.
func (b *Branch) placed(c Conversation) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		var seen Call
		c.During = func(ctx context.Context) (err error) {
			seen, err = b.theCall(ctx)
			return err
		}
		if err := b.Talk(ctx, c); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s -> %s, %s, %d packets in, %d out", seen.From, seen.To, seen.Outside().Suite,
			seen.Outside().PacketsIn, seen.Outside().PacketsOut), nil
	}
}

// theCall returns the one call that runs, as the box shows it.
func (b *Branch) theCall(ctx context.Context) (Call, error) {
	s, err := b.Box.Status(ctx)
	if err != nil {
		return Call{}, err
	}
	if len(s.Calls) != 1 {
		return Call{}, fmt.Errorf("the box shows %d calls while one runs", len(s.Calls))
	}
	c := s.Calls[0]
	outside := c.Outside()
	if c.State != "answered" || !outside.Encrypted || outside.PacketsIn == 0 || outside.PacketsOut == 0 {
		return Call{}, fmt.Errorf("the box shows the call as %s, outside encrypted %v, %d packets in, %d out",
			c.State, outside.Encrypted, outside.PacketsIn, outside.PacketsOut)
	}
	return c, nil
}

// hears proves that the phone of that name heard the one it talked with.
func (b *Branch) hears(name string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		who, other := b.pair(name)
		j, err := b.Heard(who, other)
		if err != nil {
			return "", err
		}
		if !j.Heard() {
			return "", fmt.Errorf("%s did not hear %s: %s", who.Name, other.Name, j)
		}
		return j.String(), nil
	}
}

func (b *Branch) signallingSecret(context.Context) (string, error) {
	_, file := b.Captures()
	packets, err := capture.Read(file)
	if err != nil {
		return "", err
	}
	s := capture.JudgeSignalling(packets)
	switch {
	case len(s.ClearText) > 0:
		return "", errors.New(strings.Join(s.ClearText, "; "))
	case s.Streams == 0 || len(s.Versions) == 0:
		return "", fmt.Errorf("no TLS among %d packets", len(packets))
	case slices.ContainsFunc(s.Versions, func(v string) bool { return v < "TLS 1.2" }):
		return "", fmt.Errorf("an old version was spoken: %v", s.Versions)
	}
	return fmt.Sprintf("%d packets, %d streams, %s", len(packets), s.Streams, strings.Join(s.Versions, " and ")), nil
}

// Bounds of audioSecret: streams shorter than a second say nothing, ciphertext is as random as noise.
const (
	streamAtLeast  = 50
	entropyAtLeast = 7.9
	toneAtMost     = 1000.0
)

func (b *Branch) audioSecret(context.Context) (string, error) {
	return b.secret(4, func(capture.Stream) bool { return true })
}

// SentAudioSecret proves that a tap on the carrier's link cannot hear what the box sends there. With keys made by a
// handshake that is all there is to prove: a baresip that has been answered does not wait for its keys, and the box
// takes nothing of what it sends until then.
func (b *Branch) SentAudioSecret() (string, error) {
	return b.secret(2, func(s capture.Stream) bool { return s.Source.Addr() == b.Lab.Net.BoxOutside })
}

// secret proves that none of the streams on the carrier's link that count, of which there are at least so many, is heard.
func (b *Branch) secret(atLeast int, counts func(capture.Stream) bool) (string, error) {
	_, file := b.Captures()
	streams, err := readStreams(file)
	if err != nil {
		return "", err
	}
	streams = slices.DeleteFunc(streams, func(s capture.Stream) bool { return !counts(s) })
	if len(streams) < atLeast {
		return "", fmt.Errorf("%d streams seen, two calls have %d", len(streams), atLeast)
	}
	lowest := 8.0
	for _, s := range streams {
		lowest = min(lowest, s.Entropy())
		if hertz, strength := b.loudestTone(s); strength > toneAtMost {
			return "", fmt.Errorf("%v to %v decodes to %.0f Hz at %.0f", s.Source, s.Destination, hertz, strength)
		}
	}
	if lowest < entropyAtLeast {
		return "", fmt.Errorf("the payload has %.3f bits a byte, encrypted audio has 8", lowest)
	}
	return fmt.Sprintf("%d streams, %.3f bits a byte or more, no tone", len(streams), lowest), nil
}

func readStreams(file string) ([]capture.Stream, error) {
	packets, err := capture.Read(file)
	if err != nil {
		return nil, err
	}
	return capture.Streams(packets, streamAtLeast), nil
}

// loudestTone is the strongest of all phones' tones in what a tap decodes from a stream.
func (b *Branch) loudestTone(s capture.Stream) (hertz, strength float64) {
	for _, samples := range s.Decoded() {
		window := tone.Loudest(samples)
		for _, p := range b.Everyone() {
			if heard := tone.Strength(window, p.Tone); heard > strength {
				hertz, strength = p.Tone, heard
			}
		}
	}
	return hertz, strength
}

// tapWorks is the counter-proof of audioSecret: where audio is plain, the same measurement finds it.
func (b *Branch) tapWorks(context.Context) (string, error) {
	file, _ := b.Captures()
	streams, err := readStreams(file)
	if err != nil {
		return "", err
	}
	var heard []string
	for _, s := range streams {
		if hertz, strength := b.loudestTone(s); strength > toneAtMost {
			heard = append(heard, fmt.Sprintf("%.0f", hertz))
		}
	}
	slices.Sort(heard)
	heard = slices.Compact(heard)
	if len(heard) < len(b.Everyone()) {
		return "", fmt.Errorf("the tap on the office's link hears only %v Hz of %d phones", heard, len(b.Everyone()))
	}
	return strings.Join(heard, ", ") + " Hz", nil
}

func (b *Branch) noLeak(context.Context) (string, error) {
	words, err := b.officeWords()
	if err != nil {
		return "", err
	}
	messages, err := b.Carrier.Messages()
	if err != nil {
		return "", err
	}
	looked := 0
	for _, m := range messages {
		if !m.Received || m.Source.Addr() != b.Lab.BoxPublic() {
			continue
		}
		looked++
		if found := capture.Find([]byte(m.Text), words); len(found) > 0 {
			return "", fmt.Errorf("in %q: %s", m.FirstLine(), strings.Join(found, "; "))
		}
	}
	if looked == 0 {
		return "", fmt.Errorf("the carrier wrote down no message of the box among %d", len(messages))
	}
	packets, err := b.noLeakOnTheWire(words)
	return fmt.Sprintf("%d messages, %d packets, %d words", looked, packets, len(words)), err
}

// noLeakOnTheWire looks at the packets as they are: their addresses and their bytes.
func (b *Branch) noLeakOnTheWire(words []capture.Word) (int, error) {
	_, file := b.Captures()
	packets, err := capture.Read(file)
	if err != nil {
		return 0, err
	}
	for _, p := range packets {
		for _, a := range []netip.Addr{p.Source.Addr(), p.Destination.Addr()} {
			if b.Lab.Net.Office.Contains(a) {
				return 0, fmt.Errorf("a packet from %v to %v", p.Source, p.Destination)
			}
		}
		if found := capture.Find(p.Payload, words); len(found) > 0 {
			return 0, fmt.Errorf("in a packet to %v: %s", p.Destination, strings.Join(found, "; "))
		}
	}
	return len(packets), nil
}

// officeWords are what must not be seen at the carrier: addresses and names of the office, and what its phones and its
// PBX wrote into their messages.
func (b *Branch) officeWords() ([]capture.Word, error) {
	words := []capture.Word{
		{Text: "office.example", What: "inside host name"},
		{Text: "baresip", What: "phone's User-Agent"},
		{Text: "office-pbx", What: "PBX's User-Agent"},
		{Text: "kamailio", What: "PBX's make"},
	}
	net := b.Lab.Net
	for _, a := range append([]netip.Addr{net.BoxInside, net.PBX, net.OfficeGateway, net.Host}, net.Phones...) {
		words = append(words, capture.Word{Text: a.String(), What: "inside address"})
	}
	messages, err := b.PBX.Messages()
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, m := range messages {
		if id := m.Header("Call-ID"); id != "" && !seen[id] {
			seen[id] = true
			words = append(words, capture.Word{Text: id, What: "inside Call-ID"})
		}
	}
	if len(seen) == 0 {
		return nil, errors.New("the PBX wrote down no Call-ID to look for")
	}
	return words, nil
}

// pageClient trusts every certificate: the page's own authority is part of what the administrator checks, by its
// fingerprint, and not of this proof.
func pageClient() *http.Client {
	return &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
	}
}

func (b *Branch) pageInside(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.Box.Page(), nil)
	if err != nil {
		return "", fmt.Errorf("open the page: %w", err)
	}
	answer, err := pageClient().Do(request)
	if err != nil {
		return "", fmt.Errorf("open the page: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return "", fmt.Errorf("read the page: %w", err)
	}
	if answer.StatusCode != http.StatusOK || !strings.Contains(strings.ToLower(string(body)), "<!doctype html") {
		return "", fmt.Errorf("the page answers %s with %d bytes that are no page", answer.Status, len(body))
	}
	return fmt.Sprintf("%s, %d bytes, %s", answer.Status, len(body), b.Box.Page()), nil
}

func (b *Branch) pageOutside(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	address := netip.AddrPortFrom(b.Lab.BoxPublic(), 443).String()
	conn, err := b.Lab.Carrier.Dial(ctx, "tcp", address)
	if err == nil {
		conn.Close()
		return "", fmt.Errorf("the carrier's side connects to %s", address)
	}
	return address + " does not answer", nil
}

func (b *Branch) rest(ctx context.Context) (string, error) {
	if err := b.Box.AwaitRest(ctx); err != nil {
		return "", err
	}
	return "no calls", nil
}
