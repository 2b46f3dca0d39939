package api

import (
	"context"
	"time"
)

// Fraud is the judgement of calls out by what they cost. Main assembles it from fraud and the store.
type Fraud interface {
	// Fraud shows what is blocked, what was found out and what was spent.
	Fraud() FraudState
	// Release ends a block on the word of who. The error is *Conflict when there is none.
	Release(r ReleaseRequest, who string) (FraudBlock, error)
	// Rates shows the customer's own prices.
	Rates() Rates
	// SetRates replaces them. The error is *Conflict when the list has faults; nothing is changed then.
	SetRates(text, who string) (Rates, error)
}

// FraudState is the judgement of fraud at one moment.
type FraudState struct {
	Mode   string       `json:"mode" enum:"act,simulate,off" doc:"simulate: it only tells what it would have done."`
	Spent  int          `json:"spent_cents" doc:"What the calls of today have cost at worst, those that run among them, in cents."`
	Budget int          `json:"budget_cents" doc:"What they may cost; 0: there is no bound."`
	Blocks []FraudBlock `json:"blocks" nullable:"false" doc:"What is blocked until somebody releases it, the latest first."`
	Alarms []FraudAlarm `json:"alarms" nullable:"false" doc:"What was found out since the start, the latest first."`
}

// FraudBlock is a caller, a prefix or a trunk that is blocked.
type FraudBlock struct {
	Kind   string    `json:"kind" enum:"caller,prefix,trunk"`
	Of     string    `json:"of" doc:"The extension or number, the prefix, or the name of the trunk."`
	Rule   string    `json:"rule" doc:"The key of the policy that led to it, e.g. fraud.caller.night.calls."`
	Reason string    `json:"reason" doc:"A sentence for the administrator."`
	Since  time.Time `json:"since"`
}

// FraudAlarm is something that was found out.
type FraudAlarm struct {
	At        time.Time `json:"at"`
	Rule      string    `json:"rule"`
	Of        string    `json:"of" doc:"The caller, prefix or trunk that it is about; empty: all calls."`
	Caller    string    `json:"caller" doc:"Of the call that it was found out by."`
	To        string    `json:"to"`
	Action    string    `json:"action" enum:"alarm,refuse,block-caller,block-prefix,cut-trunk"`
	Simulated bool      `json:"simulated" doc:"Nothing was done about it."`
	Reason    string    `json:"reason" doc:"A sentence for the administrator."`
}

// ReleaseRequest ends a block.
type ReleaseRequest struct {
	Kind string `json:"kind" enum:"caller,prefix,trunk"`
	Of   string `json:"of" minLength:"1" maxLength:"200" doc:"As the list has it."`
}

// Rates are the customer's own prices.
type Rates struct {
	Count int        `json:"count" doc:"How many prices there are; 0: those of the box alone count."`
	Who   string     `json:"who"`
	At    *time.Time `json:"at,omitempty"`
	Text  string     `json:"text" doc:"The list as it was brought."`
}

// RatesRequest brings other prices.
type RatesRequest struct {
	Text string `json:"text" maxLength:"4194304" doc:"CSV; its first line names the columns: prefix and minute, and where there are any setup, minimum and name. Empty: none."`
}

type (
	fraudOutput      struct{ Body FraudState }
	fraudBlockOutput struct{ Body FraudBlock }
	ratesOutput      struct{ Body Rates }
)

func (s *Server) getFraud(context.Context, *noInput) (*fraudOutput, error) {
	f := s.fraud.Fraud()
	return &fraudOutput{f.filled()}, nil
}

// filled has lists where there are none.
func (f FraudState) filled() FraudState {
	f.Blocks, f.Alarms = list(f.Blocks), list(f.Alarms)
	return f
}

func (s *Server) release(ctx context.Context, in *struct{ Body ReleaseRequest }) (*fraudBlockOutput, error) {
	who := visitorOf(ctx).name
	b, err := s.fraud.Release(in.Body, who)
	if err != nil {
		return nil, s.boxProblem("release", err)
	}
	s.log.Info("released by hand", "who", who, "kind", b.Kind, "of", b.Of)
	return &fraudBlockOutput{b}, nil
}

func (s *Server) getRates(context.Context, *noInput) (*ratesOutput, error) {
	return &ratesOutput{s.fraud.Rates()}, nil
}

func (s *Server) setRates(ctx context.Context, in *struct{ Body RatesRequest }) (*ratesOutput, error) {
	who := visitorOf(ctx).name
	r, err := s.fraud.SetRates(in.Body.Text, who)
	if err != nil {
		return nil, s.boxProblem("bring rates", err)
	}
	s.log.Info("rates brought", "who", who, "prices", r.Count)
	return &ratesOutput{r}, nil
}
