package api

import (
	"context"
	"time"
)

// Filter is the packet filter as people look at it. Main assembles it.
type Filter interface {
	// View shows the table in force.
	View() (FilterView, error)
	// Drops are the latest samples of what was dropped, newest first; equal ones are counted together.
	Drops() []Drop
	// BlockList says what is on the block list.
	BlockList() BlockList
	// Block replaces the block list by the one in text. The error is *Conflict when it has faults, each with its line.
	Block(text, who string) (BlockList, error)
}

// FilterView is the table of the packet filter.
type FilterView struct {
	Text    string        `json:"text" doc:"As the tool nft prints it; of bans and block list, which may be long, nothing."`
	Trial   *time.Time    `json:"trial,omitempty" doc:"Other rules are on trial until then; the kernel itself goes back. Absent: none are."`
	Banned  int           `json:"banned" doc:"Sources banned in the filter."`
	Blocked int           `json:"blocked" doc:"Sources on the block list."`
	Chains  []FilterChain `json:"chains" nullable:"false"`
}

// FilterChain is one chain of rules.
type FilterChain struct {
	Name  string       `json:"name"`
	Where string       `json:"where" doc:"Where packets meet it, with its priority; empty: where other chains lead to it."`
	Why   string       `json:"why"`
	Rules []FilterRule `json:"rules" nullable:"false"`
}

// FilterRule is one rule.
type FilterRule struct {
	ID      string `json:"id" doc:"Its chain and its place there."`
	Text    string `json:"text"`
	Why     string `json:"why"`
	Counter string `json:"counter" doc:"What it counts in; empty: nothing."`
	Packets uint64 `json:"packets" doc:"Of that counter."`
	Bytes   uint64 `json:"bytes"`
}

// Drop is why packets were dropped: samples, a few a second of each reason. The counters have them all.
type Drop struct {
	At        time.Time `json:"at" doc:"The latest."`
	Reason    string    `json:"reason" doc:"The counter that counted it."`
	Why       string    `json:"why" doc:"What the counter says."`
	Interface string    `json:"interface"`
	Protocol  string    `json:"protocol"`
	Source    string    `json:"source" doc:"An address."`
	To        string    `json:"to" doc:"Address and port."`
	Count     int       `json:"count" doc:"Samples alike."`
}

// BlockList is a list of sources that reach nothing.
type BlockList struct {
	Sources int        `json:"sources" doc:"Addresses and networks on it; those that lie within one another count once."`
	At      *time.Time `json:"at,omitempty" doc:"When it was brought; absent: there is none."`
	Who     string     `json:"who"`
	Text    string     `json:"text" doc:"As it was brought."`
}

// BlockListRequest brings a block list in place of the one before.
type BlockListRequest struct {
	Text string `json:"text" maxLength:"8388608" doc:"One address or network a line; # begins a remark. Empty: nothing is blocked."`
}

type (
	filterOutput struct{ Body FilterView }
	dropsOutput  struct {
		Body struct {
			Drops []Drop `json:"drops" nullable:"false"`
		}
	}
	blockListOutput struct{ Body BlockList }
)

func (s *Server) getFilter(context.Context, *noInput) (*filterOutput, error) {
	v, err := s.filter.View()
	if err != nil {
		return nil, s.boxProblem("look at the packet filter", err)
	}
	v.Chains = list(v.Chains)
	for i := range v.Chains {
		v.Chains[i].Rules = list(v.Chains[i].Rules)
	}
	return &filterOutput{v}, nil
}

func (s *Server) getDrops(context.Context, *noInput) (*dropsOutput, error) {
	out := &dropsOutput{}
	out.Body.Drops = list(s.filter.Drops())
	return out, nil
}

func (s *Server) getBlockList(context.Context, *noInput) (*blockListOutput, error) {
	return &blockListOutput{s.filter.BlockList()}, nil
}

func (s *Server) block(ctx context.Context, in *struct{ Body BlockListRequest }) (*blockListOutput, error) {
	who := visitorOf(ctx).name
	l, err := s.filter.Block(in.Body.Text, who)
	if err != nil {
		return nil, s.boxProblem("set the block list", err)
	}
	s.log.Info("block list set", "who", who, "sources", l.Sources)
	return &blockListOutput{l}, nil
}
