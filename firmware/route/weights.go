package route

import "slices"

// draw puts trunks into an order by their weights: each is next with the probability that its weight has among those
// left; those of weight 0 come last, in their own order (as RFC 2782 does with servers). random(n) is one of 0 to n-1.
func draw(trunks []string, weights []int, random func(n int) int) []string {
	if len(weights) != len(trunks) {
		return trunks
	}
	type share struct {
		trunk  string
		weight int
	}
	var left []share
	sum := 0
	for i, t := range trunks {
		left = append(left, share{t, weights[i]})
		sum += weights[i]
	}
	order := make([]string, 0, len(left))
	for sum > 0 {
		ticket := random(sum)
		i := slices.IndexFunc(left, func(s share) bool { ticket -= s.weight; return ticket < 0 })
		order = append(order, left[i].trunk)
		sum -= left[i].weight
		left = slices.Delete(left, i, i+1)
	}
	for _, s := range left {
		order = append(order, s.trunk)
	}
	return order
}
