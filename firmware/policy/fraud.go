package policy

import "slices"

// Fraud says how calls out of the office are judged by what they cost and how they add up. Surcharged calls and those to
// other countries are counted; a budget counts every call that has a price. Emergency calls never are.
type Fraud struct {
	Mode FraudMode `yaml:"mode"` // default act
	// NightFrom and NightTo are when it is night, by the clock where the box stands; default 20:00 and 07:00.
	NightFrom TimeOfDay `yaml:"night_from"`
	NightTo   TimeOfDay `yaml:"night_to"`
	// Weekend are the days on which the levels of the weekend count, as they do on site.holidays; default sat, sun.
	Weekend []Day        `yaml:"weekend"`
	Caller  FraudLevels  `yaml:"caller"` // of each extension or number that calls
	Prefix  FraudLevels  `yaml:"prefix"` // of each prefix that is called, whoever calls
	Budgets FraudBudgets `yaml:"budgets"`
	Actions FraudActions `yaml:"actions"`
}

// FraudMode says whether what is found out has consequences.
type FraudMode string

// The modes: acting, telling what would have been done, and neither.
const (
	FraudAct      FraudMode = "act"
	FraudSimulate FraudMode = "simulate"
	FraudOff      FraudMode = "off"
)

// FraudLevels are the levels by the time of the week.
type FraudLevels struct {
	Day     FraudLevel `yaml:"day"`
	Night   FraudLevel `yaml:"night"`
	Weekend FraudLevel `yaml:"weekend"`
}

// FraudLevel bounds the watched calls of one caller, or to one prefix, within one day, night or day of a weekend; 0: no bound.
type FraudLevel struct {
	Calls        int `yaml:"calls"`
	PerMinute    int `yaml:"per_minute"`
	Simultaneous int `yaml:"simultaneous"`
	Sequential   int `yaml:"sequential"` // one after the other to the same prefix
	Minutes      int `yaml:"minutes"`
}

// FraudBudgets are euros; 0: no bound.
type FraudBudgets struct {
	Caller int `yaml:"caller"` // of each caller a day
	Prefix int `yaml:"prefix"` // of calls to each prefix a day
	// Unfamiliar is for each country that the office does not usually call, until it does or somebody has released it.
	Unfamiliar int `yaml:"unfamiliar"`
	// Unusual is for calls to all such countries and to premium numbers, which are never usual, together a day.
	Unusual int `yaml:"unusual"`
	Trunk   int `yaml:"trunk"` // of each trunk a day
	Day     int `yaml:"day"`   // of all calls a day
	Night   int `yaml:"night"` // of all calls from one working day to the next: a night, or a weekend with its nights
}

// FraudActions are what becomes of what is found out.
type FraudActions struct {
	Caller     FraudAction `yaml:"caller"`     // a level or budget of a caller; default block-caller
	Prefix     FraudAction `yaml:"prefix"`     // a level or budget of a prefix, or that of the unfamiliar; default block-prefix
	Total      FraudAction `yaml:"total"`      // a budget of a trunk, the day or the night; default refuse
	Baseline   FraudAction `yaml:"baseline"`   // an hour unlike others; default alarm
	Unresolved FraudAction `yaml:"unresolved"` // calls that the carrier does not accept; default block-caller
}

// FraudAction is what is done about a call that is too much.
type FraudAction string

// The actions: telling only; refusing what goes beyond; and blocking, until somebody releases it, whoever called, where it
// was called to, or every call out by the trunk.
const (
	FraudAlarm       FraudAction = "alarm"
	FraudRefuse      FraudAction = "refuse"
	FraudBlockCaller FraudAction = "block-caller"
	FraudBlockPrefix FraudAction = "block-prefix"
	FraudCutTrunk    FraudAction = "cut-trunk"
)

// Night is when it is night, in minutes since midnight; it may go over midnight.
func (f Fraud) Night() (from, to int) {
	from, _ = f.NightFrom.minutes()
	to, _ = f.NightTo.minutes()
	return from, to
}

func defaultFraud() Fraud {
	return Fraud{
		Mode: FraudAct, NightFrom: "20:00", NightTo: "07:00", Weekend: []Day{"sat", "sun"},
		Caller: FraudLevels{
			Day:     FraudLevel{Calls: 50, PerMinute: 6, Simultaneous: 4, Sequential: 20, Minutes: 240},
			Night:   FraudLevel{Calls: 10, PerMinute: 4, Simultaneous: 2, Sequential: 6, Minutes: 60},
			Weekend: FraudLevel{Calls: 15, PerMinute: 4, Simultaneous: 2, Sequential: 8, Minutes: 90},
		},
		Prefix: FraudLevels{
			Day:     FraudLevel{Calls: 80, PerMinute: 10, Simultaneous: 8, Sequential: 60, Minutes: 400},
			Night:   FraudLevel{Calls: 10, PerMinute: 4, Simultaneous: 3, Sequential: 8, Minutes: 60},
			Weekend: FraudLevel{Calls: 15, PerMinute: 4, Simultaneous: 3, Sequential: 10, Minutes: 90},
		},
		Budgets: FraudBudgets{Caller: 18, Prefix: 18, Unfamiliar: 9, Unusual: 18, Trunk: 150, Day: 200, Night: 12},
		Actions: FraudActions{Caller: FraudBlockCaller, Prefix: FraudBlockPrefix, Total: FraudRefuse, Baseline: FraudAlarm, Unresolved: FraudBlockCaller},
	}
}

// Bounds of what may be written.
const (
	mostFraudLevel  = 100_000
	mostFraudBudget = 100_000 // euros
)

func (c *checker) fraud() {
	f := c.p.Fraud
	one(c, "fraud.mode", f.Mode, FraudAct, FraudSimulate, FraudOff)
	c.fraudTimes(f)
	c.fraudLevels("fraud.caller", f.Caller)
	c.fraudLevels("fraud.prefix", f.Prefix)
	b := f.Budgets
	for _, n := range []struct {
		key string
		n   int
	}{{"caller", b.Caller}, {"prefix", b.Prefix}, {"unfamiliar", b.Unfamiliar}, {"unusual", b.Unusual}, {"trunk", b.Trunk}, {"day", b.Day}, {"night", b.Night}} {
		c.between("fraud.budgets."+n.key, n.n, 0, mostFraudBudget)
	}
	a := f.Actions
	for _, n := range []struct {
		key string
		a   FraudAction
	}{{"caller", a.Caller}, {"prefix", a.Prefix}, {"total", a.Total}, {"baseline", a.Baseline}, {"unresolved", a.Unresolved}} {
		one(c, "fraud.actions."+n.key, n.a, FraudAlarm, FraudRefuse, FraudBlockCaller, FraudBlockPrefix, FraudCutTrunk)
	}
	if a.Baseline == FraudRefuse {
		c.fault("fraud.actions.baseline", "write alarm, or what is to be blocked", "refuse has no effect, because an hour that is unlike others names no bound")
	}
}

func (c *checker) fraudTimes(f Fraud) {
	for _, t := range []struct {
		path string
		t    TimeOfDay
	}{{"fraud.night_from", f.NightFrom}, {"fraud.night_to", f.NightTo}} {
		if c.required(t.path, t.t != "", "write it like 20:00") {
			c.timeOfDay(t.path, t.t)
		}
	}
	if f.NightFrom == f.NightTo && f.NightFrom != "" {
		c.fault("fraud.night_to", "write when the night ends", "is the same as night_from")
	}
	c.required("fraud.weekend", len(f.Weekend) > 0, "list the days, or give the weekend the levels of the day")
	for i, d := range f.Weekend {
		if one(c, index("fraud.weekend", i), d, Week()...) && slices.Contains(f.Weekend[:i], d) {
			c.fault(index("fraud.weekend", i), "keep one of the two", "%s is listed twice", d)
		}
	}
}

func (c *checker) fraudLevels(path string, l FraudLevels) {
	for _, at := range []struct {
		key string
		l   FraudLevel
	}{{"day", l.Day}, {"night", l.Night}, {"weekend", l.Weekend}} {
		for _, n := range []struct {
			key string
			n   int
		}{
			{"calls", at.l.Calls}, {"per_minute", at.l.PerMinute}, {"simultaneous", at.l.Simultaneous},
			{"sequential", at.l.Sequential}, {"minutes", at.l.Minutes},
		} {
			c.between(path+"."+at.key+"."+n.key, n.n, 0, mostFraudLevel)
		}
	}
}
