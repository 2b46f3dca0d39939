package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Systems is what replaces the system of the box and restarts the machine. Main assembles it.
type Systems interface {
	// System says what runs, and what the next start takes.
	System() System
	// Update verifies the update in r and makes it the one that the next start tries. The error is *Conflict when it is refused;
	// then everything is as before.
	Update(r io.Reader, who string) (System, error)
	// Restart has the machine restart. The error is *Conflict when that is not for this program to do.
	Restart(who string) error
}

// System is what the machine runs, of two places for one.
type System struct {
	Board    string `json:"board" doc:"What the image was made for; empty on a machine whose system is not the box's own."`
	Release  string `json:"release"`
	Slot     string `json:"slot" doc:"Which of the two places it runs from, a or b; empty on a machine that has no two."`
	Trial    bool   `json:"trial" doc:"It is new and has not proved itself yet. When it does not, the machine goes back to the one before."`
	FellBack bool   `json:"fell_back" doc:"The last update did not prove itself, and the machine went back to this one."`
	Waiting  string `json:"waiting" doc:"The release of an update that the next start tries; empty: none."`
}

const (
	// maxUpdate is more than a place for a system has room for, in bytes.
	maxUpdate = 64 << 20
	// updateTime is how long an update may take to come in and to be written. A card writes a megabyte a second at worst.
	updateTime = 10 * time.Minute
	updatePath = "/api/v1/update"
)

type (
	systemOutput struct{ Body System }
	// updateInput is the request's body as it comes: an update is too large to be kept in memory.
	updateInput struct{ body io.Reader }
)

// Resolve takes the body for the operation to read, and gives it time.
func (in *updateInput) Resolve(ctx huma.Context) []error {
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

func (s *Server) update(ctx context.Context, in *updateInput) (*systemOutput, error) {
	if s.systems == nil {
		return nil, noSystems()
	}
	who := visitorOf(ctx).name
	system, err := s.systems.Update(in.body, who)
	if err != nil {
		s.log.Warn("update refused", "who", who, "err", err)
		return nil, s.boxProblem("update", err)
	}
	s.log.Info("update written", "who", who, "release", system.Waiting)
	return &systemOutput{system}, nil
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
