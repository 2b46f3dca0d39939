package call

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
	"tollgate/firmware/header"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/stir"
)

// Stir is how calls with a trunk are signed, and how the signatures of its calls are judged.
type Stir struct {
	Signer  *stir.Signer // nil: calls are not signed
	Verify  policy.Verifying
	Anchors *x509.CertPool // whose certificates count
}

// judges tells whether signatures of the trunk's calls are looked at.
func (s *Stir) judges() bool {
	return s != nil && (s.Verify == policy.VerifyMark || s.Verify == policy.VerifyRefuse)
}

// Certificates brings the certificates that signatures name.
type Certificates interface {
	// Get waits no longer than ctx. source is the trunk whose call names the URL: each has its share of what is fetched at
	// once. The error is a clause for people.
	Get(ctx context.Context, source, url string) ([]*x509.Certificate, error)
}

// signature is what was found of a call's signature.
type signature struct {
	verdict stir.Verdict     // the zero value: nobody looked
	of      numbering.Number // who calls, by what is shown
	fields  []string         // the Identity fields, when they are right
}

// certificateTime is how long a call waits for all the certificates that its signatures name.
const certificateTime = 2 * time.Second

// judgeSignature looks at who has signed a call of a trunk that wants it so. Urgent calls do not wait for that, and are not
// refused for it.
func (s *Session) judgeSignature() *refusal {
	how := s.caller.Party.Stir
	if !how.judges() || s.urgent || s.peer.Side != policy.SideOutside || s.caller.Party.Verbatim {
		return nil
	}
	found := signature{of: s.shownCaller()}
	if found.verdict = s.verdict(how, found.of); found.verdict.Result == stir.Passed {
		found.fields = header.Identities(s.in())
	}
	s.mu.Lock()
	s.signature = found
	s.mu.Unlock()
	v := found.verdict
	s.log.Debug("signature judged", "result", v.Result, "attest", v.Attest, "reason", v.Reason)
	if how.Verify != policy.VerifyRefuse || v.Status == 0 {
		return nil
	}
	// RFC 9410 §4: the cause also where the status alone is ambiguous.
	why := sip.NewHeader("Reason", "STIR;cause="+strconv.Itoa(v.Status))
	return &refusal{status: v.Status, rule: "trunks.stir.verify", reason: "a call of " + s.peer.Name + " is not accepted: " + v.Reason, headers: []sip.Header{why}}
}

// rightSignatures are the Identity fields that the call came with, if they are right.
func (s *Session) rightSignatures() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signature.fields
}

// shownCaller is whom a signature has to be about: who is shown to the office, else whom the carrier asserts (RFC 8224 §6.2).
func (s *Session) shownCaller() numbering.Number {
	if s.from.E164 != "" {
		return s.from
	}
	for _, a := range header.Assertions(s.in(), "P-Asserted-Identity") {
		if n, err := s.settings.Plan.ReadFrom(a.User, string(s.caller.Party.Format)); err == nil && n.E164 != "" {
			return n
		}
	}
	return numbering.Number{}
}

// verdict judges the Identity fields of the call, and fetches the certificates if everything else is right.
func (s *Session) verdict(how *Stir, from numbering.Number) stir.Verdict {
	if !s.desk.timely() {
		return stir.Undecided("the time is not known, and a signature counts for a minute")
	}
	var fields []string
	for _, name := range []string{"Identity", "y"} { // RFC 8224 §4: its compact form
		for _, h := range field.All(s.in(), name) {
			fields = append(fields, h.Value())
		}
	}
	presented, wrong := stir.Read(fields)
	if wrong != nil {
		return *wrong
	}
	tag, _ := s.in().From().Params.Get("tag")
	c := stir.Call{Orig: stir.Canonical(from.E164), Dest: stir.Canonical(s.to.E164), ID: s.in().CallID().Value() + " " + tag}
	if wrong = presented.Check(c, time.Now()); wrong != nil {
		return *wrong
	}
	chains, err := s.desk.certificates(s.peer.Name, presented.URLs())
	if err != nil {
		return stir.Unreachable(err.Error())
	}
	return presented.Judge(c, chains, how.Anchors, &s.desk.seen, time.Now())
}

// certificates brings those at the URLs that a trunk's call names, all within certificateTime.
func (d *Desk) certificates(trunk string, urls []string) (map[string][]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(context.Background(), certificateTime)
	defer cancel()
	chains := map[string][]*x509.Certificate{}
	for _, url := range urls {
		chain, err := d.o.Certificates.Get(ctx, trunk, url)
		if err != nil {
			return nil, err
		}
		chains[url] = chain
	}
	return chains, nil
}

// timely tells whether the time is known.
func (d *Desk) timely() bool { return d.o.Timely == nil || d.o.Timely() }

// verstatOf is what the PBX is told of a number of a carrier's: what the box has found, where there was something to judge;
// else the word of the carrier, if it has one that counts.
func (s *Session) verstatOf(n numbering.Number, said string) string {
	v := s.signature.verdict
	ours := v.Result != "" && n.E164 != "" && n.E164 == s.signature.of.E164
	decided := v.Result == stir.Passed || v.Result == stir.Failed
	if ours && (decided || said == "") {
		return v.Verstat()
	}
	return said
}

// sign makes the Identity fields of an INVITE to a carrier that shows a number, which is one of its trunk's if owned. A call
// that cannot be signed goes without. Short numbers, such as those of emergency services, have no form that is signed.
func (s *Session) sign(p *Party, shown, to numbering.Number, owned bool, c claim) []sip.Header {
	if p.Stir == nil || p.Stir.Signer == nil || to.E164 == "" {
		return nil
	}
	if !s.desk.timely() {
		s.log.Info("call not signed", "trunk", p.Peer.Name, "err", "the time is not known")
		return nil
	}
	forwarded := s.showsOriginal(p, to, c)
	says := stir.Passport{Orig: stir.Canonical(shown.E164), Dest: []string{stir.Canonical(to.E164)}, Issued: time.Now()}
	var fields []string
	if forwarded && len(c.signed) > 0 { // RFC 8946 §4: what the call came with, and who sends it on
		fields, says.Div = c.signed, stir.Canonical(c.numbers[0].E164)
	} else {
		says.Attest, says.OrigID = stir.Attest(s.peer.Side == policy.SideInside, owned), newUUID()
	}
	own, err := p.Stir.Signer.Sign(says, rand.Reader)
	if err != nil {
		s.log.Info("call not signed", "trunk", p.Peer.Name, "err", err)
		return nil
	}
	var out []sip.Header
	for _, f := range append(fields[:len(fields):len(fields)], own) {
		out = append(out, sip.NewHeader("Identity", f))
	}
	return out
}

// showsOriginal tells whether a carrier is shown who has called, and not a number of ours.
func (s *Session) showsOriginal(p *Party, to numbering.Number, c claim) bool {
	return !s.withheld && c.original.E164 != "" && p.ClipNoScreening && !to.Emergency() // help is sent to where the number shown is
}

// newUUID is a random UUID (RFC 9562 §5.4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
