// Package numbering turns what somebody dialled into a number - its E.164 form and its class - and writes numbers the
// way a peer wants them.
//
//	"0 01 23 45 67 89", "tel:+33-1-23-45-67-89", "%30123456789", "123456789;phone-context=+33"
//	   spelling      one scheme, separators, parameters and percent-encoding fewer; ASCII digits or an error
//	-> plan          outside-line prefix, emergency and short numbers, international prefix, national patterns
//	-> Number        +33123456789, national
//
// The plans are data: france.txt holds the French one with its overseas territories, countries.txt the countries a box
// may stand in with their emergency numbers, codes.txt the calling codes of the world. Outside France the plan is
// generic, for every country of ISO 3166-1: it reads international numbers and the country's emergency numbers, and
// refuses other national numbers with the reason.
//
// An emergency number is its digits exactly - alone, after the outside-line prefix, after "+" (as some systems send it)
// or after the country's own calling code - and never the beginning of something longer. The services of RFC 5031
// (urn:service:sos.fire) are read as the numbers that services.txt gives them.
//
// It leaves to others whether a call to a number may be made (admission), which way it goes (route) and how a PBX or
// carrier is told apart.
package numbering
