package policy

import (
	_ "embed"
	"strings"
	"unicode"
	"unicode/utf8"
)

// countries holds the officially assigned codes of ISO 3166-1 alpha-2.
const countries = " " +
	"AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO " +
	"FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE " +
	"JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO " +
	"MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW " +
	"PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM " +
	"TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "

// zones lists the names of the time zone database that Go carries in time/tzdata (the files in its lib/time/zoneinfo.zip),
// one a line. A list keeps this check free of disk access, which time.LoadLocation is not.
//
//go:embed zones.txt
var zones string

func (c *checker) site() {
	s := c.p.Site
	if c.required("site.name", s.Name != "", "give the office a name") && !printable(s.Name, 64) {
		c.fault("site.name", "use up to 64 printable characters", "is not a name")
	}
	if c.required("site.country", s.Country != "", "write the country's two letters, such as FR") {
		c.country(s.Country)
	}
	if c.required("site.time_zone", s.TimeZone != "", "write a name such as Europe/Paris") {
		c.timeZone(s.TimeZone)
	}
	one(c, "site.language", s.Language, "en", "fr")
	c.holidays()
}

func (c *checker) country(code string) {
	known := func(code string) bool { return len(code) == 2 && strings.Contains(countries, " "+code+" ") }
	switch {
	case known(code):
	case known(strings.ToUpper(code)):
		c.fault("site.country", "write "+strings.ToUpper(code), "%s is not written in capital letters", quoted(code))
	default:
		c.fault("site.country", "write the two letters of ISO 3166-1, such as FR", "%s is not a country", quoted(code))
	}
}

func (c *checker) timeZone(name string) {
	known := strings.Fields(zones)
	for _, zone := range known {
		if zone == name {
			return
		}
	}
	hint := "write a name such as Europe/Paris"
	if near := nearest(name, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	c.fault("site.time_zone", hint, "%s is not a time zone", quoted(name))
}

// printable tells whether s has at most most characters, all of them visible or a space inside the text.
func printable(s string, most int) bool {
	if utf8.RuneCountInString(s) > most || s != strings.TrimSpace(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
