package fraud

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"tollgate/firmware/numbering"
)

// What a list of rates may have at most.
const (
	MaxRates      = 50_000
	MaxRatesBytes = 4 << 20
	faultsTold    = 20
)

// rateColumns are the columns of a list of rates by what they may be called, in English and French.
var rateColumns = map[string]string{
	"prefix": "prefix", "préfixe": "prefix", "prefixe": "prefix", "code": "prefix",
	"minute": "minute", "per_minute": "minute", "price": "minute", "prix": "minute", "prix_minute": "minute",
	"setup": "setup", "connection": "setup", "connexion": "setup",
	"minimum": "minimum", "name": "name", "destination": "name", "nom": "name",
}

// ReadRates reads a customer's prices. The first line names the columns: prefix and minute, and where there are any setup,
// minimum and name, separated by semicolons, commas or tabs. A prefix is written +49 or 0049, a short number as it is dialled
// in the plan's country. Prices are euros with a dot or a comma. A list with faults is not taken: the error names each line
// and what is wrong with it, twenty of them at most.
func ReadRates(text string, plan *numbering.Plan) (map[string]Rate, error) {
	if len(text) > MaxRatesBytes {
		return nil, fmt.Errorf("the list has more than %d MB", MaxRatesBytes>>20)
	}
	text = strings.TrimPrefix(text, "\ufeff") // as spreadsheets begin
	first, _, _ := strings.Cut(text, "\n")
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, true, true
	r.Comma = separator(first)
	l := rateList{plan: plan, rates: map[string]Rate{}, lines: map[string]int{}}
	head, err := r.Read()
	if err != nil {
		return nil, errors.New("the list is empty: its first line names the columns, such as prefix;minute;setup")
	}
	if err := l.header(head); err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	for len(l.faults) < faultsTold {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var broken *csv.ParseError
		if errors.As(err, &broken) {
			l.fault(broken.Line, "cannot be read: %v", broken.Err)
			break
		}
		line, _ := r.FieldPos(0)
		l.row(line, record)
	}
	return l.done()
}

// separator is what the columns of the first line stand apart by.
func separator(line string) rune {
	for _, c := range ";\t" {
		if strings.ContainsRune(line, c) {
			return c
		}
	}
	return ','
}

// rateList is a list while it is read.
type rateList struct {
	plan    *numbering.Plan
	columns []string // by place
	rates   map[string]Rate
	lines   map[string]int
	faults  []string
}

func (l *rateList) fault(line int, problem string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf("line %d: ", line)+fmt.Sprintf(problem, args...))
}

func (l *rateList) header(head []string) error {
	seen := map[string]bool{}
	for _, name := range head {
		column := rateColumns[strings.ToLower(strings.TrimSpace(name))]
		if column != "" && seen[column] {
			return fmt.Errorf("two columns are the %s", column)
		}
		seen[column] = true
		l.columns = append(l.columns, column)
	}
	for _, need := range []string{"prefix", "minute"} {
		if !seen[need] {
			return fmt.Errorf("no column is called %s: the first line names the columns, such as prefix;minute;setup", need)
		}
	}
	return nil
}

func (l *rateList) row(line int, record []string) {
	if len(record) == 1 && strings.TrimSpace(record[0]) == "" {
		return
	}
	if len(record) < len(l.columns) {
		l.fault(line, "has %d columns where the first line has %d", len(record), len(l.columns))
		return
	}
	var rate Rate
	var prefix string
	for i, column := range l.columns {
		value := strings.TrimSpace(record[i])
		switch column {
		case "prefix":
			prefix = value
		case "minute", "setup", "minimum":
			m, err := price(column, value)
			if err != nil {
				l.fault(line, "%s: %+q %v", column, shorten(value), err)
				return
			}
			*map[string]*Money{"minute": &rate.Minute, "setup": &rate.Setup, "minimum": &rate.Least}[column] = m
		}
	}
	l.add(line, prefix, rate)
}

// price reads a price; only that of a minute has to be there.
func price(column, value string) (Money, error) {
	if value == "" && column != "minute" {
		return 0, nil
	}
	return ParseMoney(value)
}

func (l *rateList) add(line int, written string, rate Rate) {
	prefix, err := l.prefix(written)
	switch before, twice := l.lines[prefix]; {
	case err != nil:
		l.fault(line, "prefix: %+q %v", shorten(written), err)
	case twice && l.rates[prefix] != rate:
		l.fault(line, "prefix: %s has another price in line %d", prefix, before)
	case len(l.rates) >= MaxRates:
		l.fault(line, "is one more than the %d prices that are taken", MaxRates)
	default:
		l.rates[prefix], l.lines[prefix] = rate, line
	}
}

// prefix reads +49, 0049 or a short number.
func (l *rateList) prefix(written string) (string, error) {
	digits, abroad := strings.CutPrefix(written, "+")
	if !abroad {
		digits, abroad = strings.CutPrefix(written, "00")
	}
	if digits == "" || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" || abroad && digits[0] == '0' {
		return "", errors.New("is no prefix: write it like +49")
	}
	if abroad {
		return "+" + digits, nil
	}
	n, err := l.plan.Read(digits, "")
	switch {
	case err != nil || n.E164 != "":
		return "", fmt.Errorf("is no short number of %s: write prefixes like +%s", l.plan.Name(), digits)
	case n.Emergency():
		return "", errors.New("is an emergency number, which has no price")
	}
	return digits, nil
}

func (l *rateList) done() (map[string]Rate, error) {
	if len(l.faults) == 0 && len(l.rates) == 0 {
		l.faults = append(l.faults, "line 2: there is no price")
	}
	if len(l.faults) > 0 {
		return nil, errors.New(strings.Join(l.faults, "\n"))
	}
	return l.rates, nil
}

func shorten(s string) string {
	if len(s) > 24 {
		return s[:24] + "..."
	}
	return s
}
