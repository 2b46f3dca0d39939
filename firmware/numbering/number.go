package numbering

// Class says what kind of destination a number is. Prices, permissions and routes go by it.
type Class string

// The classes. A number has exactly one; short numbers that are free or premium are Freephone and Premium.
const (
	Emergency     Class = "emergency"
	National      Class = "national"      // geographic and non-geographic numbers at the normal rate
	Mobile        Class = "mobile"        // persons and, in the extended ranges, machines
	Freephone     Class = "freephone"     // free for the caller, short or long
	Shared        Class = "shared"        // surcharged within a low ceiling
	Premium       Class = "premium"       // surcharged, or of unknown surcharge
	ShortCode     Class = "shortcode"     // short numbers at the normal rate
	Overseas      Class = "overseas"      // territories of the same country with calling codes of their own
	International Class = "international" // another country
	Special       Class = "special"       // calling codes of no country: satellites, networks, services
	Unknown       Class = "unknown"       // the zero Number
)

// Number is one telephone number, read.
type Number struct {
	E164        string // "+33123456789", or "" for short numbers, which exist only within their country
	Digits      string // as dialled, without separators, parameters and outside-line prefix; the code itself for short numbers
	Class       Class
	CallingCode string // "33"; for short numbers that of the plan
}

// Emergency tells whether the number reaches an emergency service.
func (n Number) Emergency() bool { return n.Class == Emergency }

// String returns the E.164 form, or the digits of a short number.
func (n Number) String() string {
	if n.E164 != "" {
		return n.E164
	}
	return n.Digits
}
