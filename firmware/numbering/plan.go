// Package numbering turns what somebody dialled into a number: its E.164 form and its class.
package numbering

import "errors"

// Plan is the numbering plan of one country.
type Plan struct{}

// For returns the plan of an ISO 3166-1 alpha-2 country.
func For(country string) (*Plan, error) { return nil, errors.New("numbering: not built yet") }

// Read reads the user part of a SIP or tel URI in any spelling.
func (p *Plan) Read(dialled, outsidePrefix string) (Number, error) {
	return Number{}, errors.New("numbering: not built yet")
}

// ReadFrom reads a number in the format a carrier uses.
func (p *Plan) ReadFrom(digits, format string) (Number, error) {
	return Number{}, errors.New("numbering: not built yet")
}

// Write writes n in a format (values of policy.NumberFormat).
func (p *Plan) Write(n Number, format string) string { return n.String() }
