package api

import (
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Problem is the answer to a request that was not served: an RFC 9457 problem document in plain words.
type Problem struct {
	Type   ProblemType `json:"type" doc:"What kind of problem, for programs and translations."`
	Title  string      `json:"title"`
	Status int         `json:"status" doc:"The HTTP status."`
	Detail string      `json:"detail,omitempty" doc:"What happened this time."`
	Remedy string      `json:"remedy,omitempty" doc:"What to do about it."`
	Faults []Fault     `json:"faults,omitempty" nullable:"false" doc:"Every fault of a policy, or of the request itself."`
}

// Fault is one mistake in a document that was sent.
type Fault struct {
	Path    string `json:"path" doc:"The key, e.g. trunks[0].registrar."`
	Line    int    `json:"line" doc:"Counted from 1; 0: not tied to a line."`
	Column  int    `json:"column" doc:"Counted from 1; 0: not tied to a column."`
	Problem string `json:"problem"`
	Hint    string `json:"hint"`
}

// ProblemType tells kinds of problems apart (RFC 9457 §3.1.1).
type ProblemType string

// The kinds of problems.
const (
	NotLoggedIn       ProblemType = "urn:tollgate:not-logged-in"
	WrongPassword     ProblemType = "urn:tollgate:wrong-password"
	TooManyAttempts   ProblemType = "urn:tollgate:too-many-attempts"
	MustChange        ProblemType = "urn:tollgate:must-change-password"
	PasswordTooShort  ProblemType = "urn:tollgate:password-too-short"
	PasswordTooLong   ProblemType = "urn:tollgate:password-too-long"
	PasswordTooSimple ProblemType = "urn:tollgate:password-too-simple"
	PasswordNotNew    ProblemType = "urn:tollgate:password-not-new"
	LocalOnly         ProblemType = "urn:tollgate:local-only"
	OtherSite         ProblemType = "urn:tollgate:other-site"
	WrongHost         ProblemType = "urn:tollgate:wrong-host"
	NotJSON           ProblemType = "urn:tollgate:not-json"
	TooLarge          ProblemType = "urn:tollgate:too-large"
	Malformed         ProblemType = "urn:tollgate:malformed"
	PolicyFaults      ProblemType = "urn:tollgate:policy-faults"
	NotNow            ProblemType = "urn:tollgate:not-now"
	PressTheButton    ProblemType = "urn:tollgate:press-needed"
	PhraseMissing     ProblemType = "urn:tollgate:phrase-needed"
	PhraseWrong       ProblemType = "urn:tollgate:phrase-wrong"
	ClaimOver         ProblemType = "urn:tollgate:claim-over"
	NotFound          ProblemType = "urn:tollgate:not-found"
	Busy              ProblemType = "urn:tollgate:busy"
	Failed            ProblemType = "urn:tollgate:failed"
)

// problemKind fixes status and title of a kind; they are the same each time (RFC 9457 §3.1.3).
type problemKind struct {
	Type   ProblemType
	Status int
	Title  string
}

func problemKinds() []problemKind {
	return []problemKind{
		{NotLoggedIn, http.StatusUnauthorized, "Not logged in"},
		{WrongPassword, http.StatusUnauthorized, "Wrong user or password"},
		{TooManyAttempts, http.StatusTooManyRequests, "Too many wrong passwords"},
		{MustChange, http.StatusForbidden, "The first password must be changed"},
		{PasswordTooShort, http.StatusUnprocessableEntity, "The new password is too short"},
		{PasswordTooLong, http.StatusUnprocessableEntity, "The new password is too long"},
		{PasswordTooSimple, http.StatusUnprocessableEntity, "The new password is too simple"},
		{PasswordNotNew, http.StatusUnprocessableEntity, "The new password is not new"},
		{LocalOnly, http.StatusForbidden, "Only on the box itself"},
		{OtherSite, http.StatusForbidden, "The request came from another site"},
		{WrongHost, http.StatusMisdirectedRequest, "This is not the box's address"},
		{NotJSON, http.StatusUnsupportedMediaType, "The request is not JSON"},
		{TooLarge, http.StatusRequestEntityTooLarge, "The request is too large"},
		{Malformed, http.StatusUnprocessableEntity, "The request is malformed"},
		{PolicyFaults, http.StatusUnprocessableEntity, "The policy has faults"},
		{NotNow, http.StatusConflict, "Not possible now"},
		{PressTheButton, http.StatusConflict, "Somebody has to press the button"},
		{PhraseMissing, http.StatusConflict, "A pass phrase is needed"},
		{PhraseWrong, http.StatusConflict, "The pass phrase is another one"},
		{ClaimOver, http.StatusConflict, "The time of the first password is over"},
		{NotFound, http.StatusNotFound, "No such thing"},
		{Busy, http.StatusServiceUnavailable, "The box is busy"},
		{Failed, http.StatusInternalServerError, "The box failed to do it"},
	}
}

// newProblem returns a problem of kind t. An unknown kind is a failure of ours.
func newProblem(t ProblemType, detail, remedy string) *Problem {
	for _, k := range problemKinds() {
		if k.Type == t {
			return &Problem{Type: t, Title: k.Title, Status: k.Status, Detail: detail, Remedy: remedy}
		}
	}
	return newProblem(Failed, detail, remedy)
}

// Schema lists the kinds in the OpenAPI document.
func (ProblemType) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, k := range problemKinds() {
		s.Enum = append(s.Enum, string(k.Type))
	}
	return s
}

// plainProblems turns the errors huma makes itself into problems of ours. Huma repeats the value it did not like, which
// may be a password or a whole policy; only where and what is kept.
func plainProblems(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	var p *Problem
	switch m.Status {
	case http.StatusRequestEntityTooLarge:
		p = newProblem(TooLarge, "The request is larger than this operation takes.", "Send at most 1 MiB for a policy, 16 KiB for anything else.")
	case http.StatusUnsupportedMediaType:
		p = notJSON()
	case http.StatusBadRequest, http.StatusRequestTimeout, http.StatusUnprocessableEntity:
		p = newProblem(Malformed, "The request does not have the form this operation takes: "+m.Detail+".", "Compare it with /api/v1/openapi.json.")
	default:
		p = newProblem(Failed, "The box could not answer.", "Look at the log of the box for the reason.")
	}
	p.Status = m.Status
	for _, e := range m.Errors {
		p.Faults = append(p.Faults, Fault{Path: e.Location, Problem: e.Message})
	}
	return p, nil
}

func notJSON() *Problem {
	return newProblem(NotJSON, "Requests that change something carry JSON.", "Send Content-Type: application/json.")
}

// Error returns detail and remedy.
func (p *Problem) Error() string {
	if p.Remedy == "" {
		return p.Detail
	}
	return p.Detail + " " + p.Remedy
}

// GetStatus returns the HTTP status; huma asks for it.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes the answer a problem document.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// write answers a request outside of huma's operations.
func (p *Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	// The client is gone when this fails; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(p)
}
