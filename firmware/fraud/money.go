package fraud

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Money is an amount in millionths of a euro.
type Money int64

// Euro is one euro.
const Euro Money = 1_000_000

// Euros returns whole euros as Money.
func Euros(n int) Money { return Money(n) * Euro }

// String prints euros and cents, such as 3.20 €, rounded to the next cent above.
func (m Money) String() string {
	cents := (m + 9_999) / 10_000
	return fmt.Sprintf("%d.%02d €", cents/100, cents%100)
}

// over returns what a price of a minute comes to in d, a started millionth counted whole.
func (m Money) over(d time.Duration) Money {
	if d <= 0 {
		return 0
	}
	ms := Money(d / time.Millisecond)
	return (m*ms + 59_999) / 60_000
}

// mostPrice bounds a price, so that sums cannot overflow.
const mostPrice = 1000 * Euro

// ParseMoney reads an amount of euros with a dot or a comma, at most six digits behind it.
func ParseMoney(text string) (Money, error) {
	whole, part, _ := strings.Cut(strings.Replace(text, ",", ".", 1), ".")
	if whole == "" || len(whole) > 4 || len(part) > 6 {
		return 0, errNoPrice
	}
	var m Money
	for _, c := range whole + part + strings.Repeat("0", 6-len(part)) {
		if c < '0' || c > '9' {
			return 0, errNoPrice
		}
		m = m*10 + Money(c-'0')
	}
	if m > mostPrice {
		return 0, errors.New("is more than 1000 €")
	}
	return m, nil
}

var errNoPrice = errors.New("is no price: write euros like 0.023")
