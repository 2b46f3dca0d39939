package main

import "tollgate/firmware/api"

// filterView shows the packet filter to page and command line.
type filterView struct{ box *box }

// View shows the table in force.
func (v filterView) View() (api.FilterView, error) {
	seen, err := v.box.filter.View()
	if err != nil {
		return api.FilterView{}, err
	}
	out := api.FilterView{Text: seen.Text, Trial: moment(seen.Trial), Banned: seen.Banned, Blocked: seen.Blocked}
	for _, c := range seen.Chains {
		chain := api.FilterChain{Name: c.Name, Where: c.Where, Why: c.Why}
		for _, r := range c.Rules {
			chain.Rules = append(chain.Rules, api.FilterRule{ID: r.ID, Text: r.Text, Why: r.Why, Counter: r.Counter, Packets: r.Packets, Bytes: r.Bytes})
		}
		out.Chains = append(out.Chains, chain)
	}
	return out, nil
}

// Drops says why packets were dropped.
func (v filterView) Drops() []api.Drop {
	why := map[string]string{}
	for _, c := range v.box.counters() {
		why[c.Name] = c.Comment
	}
	return v.box.drops.latest(why)
}

// BlockList says what is on the block list.
func (v filterView) BlockList() api.BlockList { return v.box.blockList.shown() }

// Block brings another block list.
func (v filterView) Block(text, who string) (api.BlockList, error) {
	return v.box.blockList.set(text, who)
}
