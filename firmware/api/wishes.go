package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/firmware/policy"
)

// importTime bounds an import and a confirmation. They go on when the one who asked hangs up: half a policy is worse
// than either.
const importTime = time.Minute

type (
	overviewOutput struct{ Body Overview }
	importOutput   struct{ Body ImportResult }
	revisionOutput struct{ Body Revision }
	textOutput     struct {
		ContentType string `header:"Content-Type"`
		Body        []byte
	}
)

func (s *Server) getOverview(context.Context, *noInput) (*overviewOutput, error) {
	return &overviewOutput{Body: complete(s.box.Overview())}, nil
}

func (s *Server) exportPolicy(ctx context.Context, _ *noInput) (*textOutput, error) {
	doc, err := s.box.Export(ctx)
	if err != nil {
		return nil, s.boxProblem("export", err)
	}
	return &textOutput{ContentType: "application/yaml; charset=utf-8", Body: doc}, nil
}

func (s *Server) importPolicy(ctx context.Context, in *struct{ Body ImportRequest }) (*importOutput, error) {
	v := visitorOf(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), importTime)
	defer cancel()
	result, err := s.box.Import(ctx, []byte(in.Body.Document), v.name, in.Body.Why)
	if err != nil {
		return nil, s.boxProblem("import", err)
	}
	if result.Changes == nil {
		result.Changes = []Change{}
	}
	result.Warnings = list(result.Warnings)
	s.log.Info("policy imported", "who", v.name, "revision", result.Revision.Number, "state", result.Revision.State, "changes", len(result.Changes))
	return &importOutput{Body: result}, nil
}

func (s *Server) confirmPolicy(ctx context.Context, in *struct{ Body ConfirmRequest }) (*revisionOutput, error) {
	v := visitorOf(ctx)
	if p := onTrial(s.box.Overview().Revision, in.Body.Revision); p != nil {
		return nil, p
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), importTime)
	defer cancel()
	revision, err := s.box.Confirm(ctx, v.name)
	if err != nil {
		return nil, s.boxProblem("confirm", err)
	}
	s.log.Info("policy confirmed", "who", v.name, "revision", revision.Number)
	return &revisionOutput{Body: revision}, nil
}

// onTrial returns why revision number want cannot be confirmed when now is in force, or nil.
func onTrial(now Revision, want uint64) *Problem {
	switch {
	case now.State != "proposed":
		return newProblem(NotNow, "No revision is on trial.", "It was confirmed already, or its time ran out and the one before is back. Look at the overview.")
	case now.Number != want:
		return newProblem(NotNow, fmt.Sprintf("Revision %d is on trial now, not %d.", now.Number, want), "Look at what it changes before you confirm it.")
	}
	return nil
}

func (s *Server) getDocument(context.Context, *noInput) (*textOutput, error) {
	doc, err := document(s.document())
	if err != nil {
		s.log.Error("the API document failed", "error", err)
		return nil, newProblem(Failed, "The document could not be written.", "Look at the log of the box for the reason.")
	}
	return &textOutput{ContentType: "application/json", Body: doc}, nil
}

// boxProblem turns an error of the box into an answer.
func (s *Server) boxProblem(doing string, err error) error {
	if faults := policy.Faults(nil); errors.As(err, &faults) {
		return faultsProblem(faults)
	}
	if c := (*Conflict)(nil); errors.As(err, &c) {
		return newProblem(NotNow, c.Detail, c.Remedy)
	}
	if n := (*PressNeeded)(nil); errors.As(err, &n) {
		return newProblem(PressTheButton, n.Error(), "Press the button on the box, then do it again within a minute.")
	}
	if n := (*PhraseNeeded)(nil); errors.As(err, &n) {
		return n.problem()
	}
	s.log.Error("the box failed", "doing", doing, "error", err)
	return newProblem(Failed, fmt.Sprintf("The box could not do it: %v.", err), "What was in force before is in force still. Look at the log of the box for more.")
}

func (n *PhraseNeeded) problem() *Problem {
	if n.Wrong {
		return newProblem(PhraseWrong, n.Detail, "Nothing was changed. Type it once more, with its blanks and capital letters.")
	}
	return newProblem(PhraseMissing, n.Detail, "Nothing was changed. Type the pass phrase that it was sealed with.")
}

func faultsProblem(faults policy.Faults) *Problem {
	p := newProblem(PolicyFaults, fmt.Sprintf("%d faults; nothing was changed.", len(faults)), "Mend every one of them, then import again.")
	if len(faults) == 1 {
		p.Detail, p.Remedy = "1 fault; nothing was changed.", "Mend it, then import again."
	}
	for _, f := range faults {
		p.Faults = append(p.Faults, Fault{Path: f.Path, Line: f.Line, Column: f.Column, Problem: f.Problem, Hint: f.Hint})
	}
	return p
}

// complete replaces what JSON would write as null.
func complete(o Overview) Overview {
	o.Trunks, o.Calls, o.Refusals, o.Counters, o.Warnings = list(o.Trunks), list(o.Calls), list(o.Refusals), list(o.Counters), list(o.Warnings)
	o.Bans, o.Credentials = list(o.Bans), list(o.Credentials)
	o.Fraud = o.Fraud.filled()
	o.Emergencies, o.CallBacks = list(o.Emergencies), list(o.CallBacks)
	o.Ports, o.Worries = list(o.Ports), list(o.Worries)
	emergencies := make([]Emergency, len(o.Emergencies))
	for i, e := range o.Emergencies {
		e.Exceptions = list(e.Exceptions)
		emergencies[i] = e
	}
	o.Emergencies = emergencies
	if o.Phones != nil {
		phones := *o.Phones
		phones.Registered, phones.Servers = list(phones.Registered), list(phones.Servers)
		o.Phones = &phones
	}
	refusals := make([]Refusal, len(o.Refusals))
	for i, r := range o.Refusals {
		r.Steps = list(r.Steps)
		refusals[i] = r
	}
	o.Refusals = refusals
	calls := make([]Call, len(o.Calls))
	for i, c := range o.Calls {
		calls[i] = completeCall(c)
	}
	o.Calls = calls
	trunks := make([]Trunk, len(o.Trunks))
	for i, t := range o.Trunks {
		accounts := make([]TrunkAccount, len(t.Accounts))
		for j, a := range t.Accounts {
			a.Numbers = list(a.Numbers)
			accounts[j] = a
		}
		t.Accounts, t.Servers = accounts, list(t.Servers)
		trunks[i] = t
	}
	o.Trunks = trunks
	if o.At.IsZero() {
		o.At = time.Now()
	}
	return o
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}
