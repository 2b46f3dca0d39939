package api

import (
	"context"
	"time"
)

// Admission tells what would become of calls. Main assembles it from route, admission and the calls of the last days.
type Admission interface {
	// Try tells what would become of a call now or at another time, and changes nothing. The error is *Conflict when the
	// question cannot be answered.
	Try(TryRequest) (TryResult, error)
	// Rehearse tells which calls of the last days a policy would not let through. The error is policy.Faults when the
	// document is wrong.
	Rehearse(doc []byte) (Rehearsal, error)
}

// Step is a rule that was considered for a call, and what it said.
type Step struct {
	Rule string `json:"rule" doc:"The key of the policy, e.g. admission.rules[night]."`
	Says string `json:"says" enum:"allows,refuses,passes,ignores,depends" doc:"passes: it has nothing against the call. ignores: it does not fit the call. depends: on the trunk, which is not chosen yet."`
	Why  string `json:"why" doc:"A clause for the administrator."`
}

// TryRequest asks about a call.
type TryRequest struct {
	Number   string     `json:"number" minLength:"1" maxLength:"128" doc:"Who is called, as the office dials it or in international form; of an incoming call one of the office's numbers."`
	From     string     `json:"from,omitempty" maxLength:"64" doc:"Who calls: an extension, or a number. Empty: nobody in particular; of an incoming call: a caller who does not say."`
	Trunk    string     `json:"trunk,omitempty" maxLength:"64" doc:"The trunk that is to carry the call; empty: as the routes say."`
	Incoming bool       `json:"incoming,omitempty" doc:"The trunk brings the call."`
	Via      string     `json:"via,omitempty" enum:"dialled,transferred,redirected,overflowed" doc:"How the call comes about; empty: dialled."`
	At       *time.Time `json:"at,omitempty" doc:"When; absent: now."`
}

// TryResult is what would become of a call.
type TryResult struct {
	Goes    bool      `json:"goes"`
	Number  string    `json:"number" doc:"As it was read, in E.164 where it has that."`
	Class   string    `json:"class" doc:"Kind of destination, as admission.classes has them, or emergency."`
	Country string    `json:"country" doc:"Where the number ends, by ISO 3166-1; empty when that is no country."`
	Route   string    `json:"route" doc:"The route that it takes; empty when it takes none."`
	Trunk   string    `json:"trunk" doc:"The trunk that would carry it, or has refused it last."`
	At      time.Time `json:"at"`
	Status  int       `json:"status" doc:"What the caller would be told; 0 when it goes."`
	Rule    string    `json:"rule" doc:"What has decided, e.g. admission.classes."`
	Reason  string    `json:"reason" doc:"Why it is refused, as a sentence; empty when it goes."`
	Steps   []Step    `json:"steps" nullable:"false" doc:"What was considered, in this order."`
}

// RehearseRequest brings a policy that is not to be put into force.
type RehearseRequest struct {
	Document string `json:"document" doc:"The policy, YAML, as one text."`
}

// Rehearsal is what a policy would have done to the calls of the last days.
type Rehearsal struct {
	Calls   int             `json:"calls" doc:"That were replayed."`
	Since   *time.Time      `json:"since,omitempty" doc:"When the first of them was made; absent when there was none."`
	Blocked int             `json:"blocked" doc:"That would not have been let through."`
	Refused []RehearsedCall `json:"refused" nullable:"false" doc:"Those, the latest first, 100 at most."`
}

// RehearsedCall is a call of the past that a policy would not have let through.
type RehearsedCall struct {
	At     time.Time `json:"at"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Trunk  string    `json:"trunk" doc:"That carried it."`
	Rule   string    `json:"rule" doc:"What would have refused it."`
	Reason string    `json:"reason" doc:"The same as a sentence."`
}

type (
	tryOutput       struct{ Body TryResult }
	rehearsalOutput struct{ Body Rehearsal }
)

func (s *Server) try(_ context.Context, in *struct{ Body TryRequest }) (*tryOutput, error) {
	result, err := s.admission.Try(in.Body)
	if err != nil {
		return nil, s.boxProblem("try a call", err)
	}
	result.Steps = list(result.Steps)
	return &tryOutput{result}, nil
}

func (s *Server) rehearse(_ context.Context, in *struct{ Body RehearseRequest }) (*rehearsalOutput, error) {
	result, err := s.admission.Rehearse([]byte(in.Body.Document))
	if err != nil {
		return nil, s.boxProblem("rehearse", err)
	}
	result.Refused = list(result.Refused)
	return &rehearsalOutput{result}, nil
}
