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
	NotFound          ProblemType = "urn:tollgate:not-found"
	Busy              ProblemType = "urn:tollgate:busy"
	Failed            ProblemType = "urn:tollgate:failed"
)

func problemTypes() []ProblemType {
	return []ProblemType{
		NotLoggedIn, WrongPassword, TooManyAttempts, MustChange,
		PasswordTooShort, PasswordTooLong, PasswordTooSimple, PasswordNotNew,
		LocalOnly, OtherSite, WrongHost, NotJSON, TooLarge, Malformed,
		PolicyFaults, NotNow, NotFound, Busy, Failed,
	}
}

// Schema lists the kinds in the OpenAPI document.
func (ProblemType) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, t := range problemTypes() {
		s.Enum = append(s.Enum, string(t))
	}
	return s
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
