package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Systems is what replaces the system of the box and restarts the machine. Main assembles it.
type Systems interface {
	// System says what runs, and what the next start takes.
	System() System
	// Update takes the bundle in r: a system, which the next start tries, settings, or both. phrase opens what is sealed with a pass
	// phrase; empty: nobody has typed one. The error is *PhraseNeeded when another one is needed, and *Conflict when the bundle is
	// refused; then everything is as before.
	Update(ctx context.Context, r io.Reader, phrase, who string) (Delivered, error)
	// Restart has the machine restart. The error is *Conflict when that is not for this program to do.
	Restart(who string) error
}

// System is what the machine runs, of two places for one.
type System struct {
	Board    string         `json:"board" doc:"What the image was made for; empty on a machine whose system is not the box's own."`
	Release  string         `json:"release"`
	Slot     string         `json:"slot" doc:"Which of the two places it runs from, a or b; empty on a machine that has no two."`
	Trial    bool           `json:"trial" doc:"It is new and has not proved itself yet. When it does not, the machine goes back to the one before."`
	FellBack bool           `json:"fell_back" doc:"The last update did not prove itself, and the machine went back to this one."`
	Waiting  string         `json:"waiting" doc:"The release of an update that the next start tries; empty: none."`
	Other    string         `json:"other" doc:"The release in the place that does not run; empty: unknown or none."`
	Stage    string         `json:"stage" enum:",receiving,writing" doc:"What is being done with an update at this moment; empty: nothing."`
	Last     *UpdateAttempt `json:"last,omitempty" doc:"The latest update that was brought; absent: none was."`
	Pull     *Pull          `json:"pull,omitempty" doc:"What is fetched from the address of the policy; absent: nothing."`
}

// Pull is the latest look at the address that bundles are fetched from.
type Pull struct {
	From    string     `json:"from"`
	At      *time.Time `json:"at,omitempty" doc:"Absent: there was none yet."`
	Outcome string     `json:"outcome" enum:",unchanged,taken,refused,failed"`
	Reason  string     `json:"reason" doc:"A sentence, of what was refused or failed."`
}

// UpdateAttempt is what became of an update.
type UpdateAttempt struct {
	Release string    `json:"release"`
	By      string    `json:"by" doc:"Who brought it, and who signed it."`
	At      time.Time `json:"at" doc:"When it came, or came out so."`
	Outcome string    `json:"outcome" enum:"waiting,kept,fell_back" doc:"It waits for the next start or proves itself, was kept, or did not prove itself."`
	Check   Check     `json:"check,omitempty" doc:"The check that it did not pass; absent: it has passed, or ended before it could say."`
	Why     string    `json:"why,omitempty" doc:"What that check has found, as a sentence."`
}

// Check is what a new system has to show before it counts.
type Check string

// The checks.
const (
	CheckPolicy Check = "policy" // the confirmed policy is in force
	CheckFilter Check = "filter" // the packet filter is whole
	CheckTrunk  Check = "trunk"  // the trunks that were up before are up
	CheckStore  Check = "store"  // the database answers
	CheckSIP    Check = "sip"    // the readers of SIP and the relay keep up
	CheckPage   Check = "page"   // the page answers
	CheckHangs  Check = "hangs"  // all of it within a time
)

// Schema lists the checks in the OpenAPI document.
func (Check) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, c := range []Check{CheckPolicy, CheckFilter, CheckTrunk, CheckStore, CheckSIP, CheckPage, CheckHangs} {
		s.Enum = append(s.Enum, string(c))
	}
	return s
}

// Remedy says what to do about an update that the box has left, in a sentence.
func (a UpdateAttempt) Remedy() string {
	switch a.Check {
	case CheckTrunk:
		return "See whether that trunk is up now. When the carrier was away at that moment, bring the update again; when it is down under the new system alone, report it with the log."
	case CheckPolicy:
		return "The new system does not take this policy. Read its release notes, change the policy where they say so, and bring the update again."
	case "":
		return "It was cut off before it could say why: power was lost, or it did not start at all. Bring it once more and leave the box switched on for ten minutes."
	}
	return "Bring it once more. When it falls back again, report it with the log."
}

// Delivered is what a bundle has brought.
type Delivered struct {
	System  System   `json:"system"`
	Signer  string   `json:"signer" doc:"Who signed it."`
	Changes []Change `json:"changes" nullable:"false" doc:"What its policy has changed."`
	Sources int      `json:"sources" doc:"Sources on its block list; 0: it has none."`
	Prices  int      `json:"prices" doc:"Prices on its list of rates; 0: it has none."`
}

const (
	// maxUpdate is more than a place for a system has room for, in bytes.
	maxUpdate = 64 << 20
	// updateTime is how long an update may take to come in and to be written. A card writes a megabyte a second at worst.
	updateTime = 10 * time.Minute
	updatePath = "/api/v1/update"
)

type (
	systemOutput    struct{ Body System }
	deliveredOutput struct{ Body Delivered }
	// updateInput is the request's body as it comes: an update is too large to be kept in memory. The pass phrase comes in a header,
	// which is written down nowhere, as an address might be.
	updateInput struct {
		Phrase string `header:"Tollgate-Phrase" maxLength:"2400" doc:"The pass phrase that parts of the bundle are sealed with, of at most 200 characters, percent-encoded as UTF-8 (RFC 3986, section 2.1). Absent: nobody has typed one."`

		phrase string
		body   io.Reader
	}
)

// maxPhrase is how long a pass phrase may be, in characters.
const maxPhrase = 200

// Resolve takes the body for the operation to read, gives it time, and decodes the pass phrase.
func (in *updateInput) Resolve(ctx huma.Context) []error {
	var err error
	if in.phrase, err = url.PathUnescape(in.Phrase); err != nil || utf8.RuneCountInString(in.phrase) > maxPhrase {
		return []error{&huma.ErrorDetail{Location: "header.Tollgate-Phrase", Message: "it is not percent-encoded, or too long"}} // without its value
	}
	in.body = ctx.BodyReader()
	_, w := humago.Unwrap(ctx)
	deadline := time.Now().Add(updateTime)
	c := http.NewResponseController(w)
	// A test's recorder has no deadlines, and needs none.
	_, _ = c.SetReadDeadline(deadline), c.SetWriteDeadline(deadline)
	return nil
}

func (s *Server) getSystem(context.Context, *noInput) (*systemOutput, error) {
	if s.systems == nil {
		return nil, noSystems()
	}
	return &systemOutput{s.systems.System()}, nil
}

func (s *Server) update(ctx context.Context, in *updateInput) (*deliveredOutput, error) {
	if s.systems == nil {
		return nil, noSystems()
	}
	who := visitorOf(ctx).name
	delivered, err := s.systems.Update(ctx, in.body, in.phrase, who)
	if err != nil {
		s.log.Warn("update refused", "who", who, "err", err)
		return nil, s.boxProblem("update", err)
	}
	s.log.Info("bundle taken", "who", who, "signed by", delivered.Signer, "system", delivered.System.Waiting, "changes", len(delivered.Changes), "blocked", delivered.Sources)
	return &deliveredOutput{delivered}, nil
}

func (s *Server) restart(ctx context.Context, _ *noInput) (*systemOutput, error) {
	if s.systems == nil {
		return nil, noSystems()
	}
	who := visitorOf(ctx).name
	s.log.Warn("restart of the machine", "who", who)
	if err := s.systems.Restart(who); err != nil {
		return nil, s.boxProblem("restart", err)
	}
	return &systemOutput{s.systems.System()}, nil
}

func noSystems() *Problem {
	return newProblem(NotNow, "This machine's system is not the box's own.", "Update and restart it as its administrator does.")
}

// bytesSchema is a file.
func bytesSchema() *huma.Schema { return &huma.Schema{Type: huma.TypeString, Format: "binary"} }

// takesFile says that op takes a file and no JSON.
func takesFile(op huma.Operation) huma.Operation {
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: bytesSchema()}}}
	return op
}

// mostOf is how long the body of a request may be, in bytes, whatever its operation says.
func mostOf(r *http.Request) int64 {
	if r.URL.Path == updatePath {
		return maxUpdate
	}
	return maxBlockList + 1
}
