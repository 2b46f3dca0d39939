package fraud

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

func TestARunningCallEndsWhenTheMoneyOfItsCallerIsGone(t *testing.T) {
	s := play(t)
	id := s.answered("12", "+252612345678") // 3.00 a minute: 15 € last five
	begun := s.now
	cuts := s.await(time.Hour)
	if len(cuts) != 1 || cuts[0].ID != id || (s.now.Sub(begun)-5*time.Minute).Abs() > time.Second {
		t.Fatalf("cut %v after %v, want call %d after five minutes", cuts, s.now.Sub(begun), id)
	}
	if !strings.Contains(cuts[0].Reason, "caller 12 has used its 15 € of the day") {
		t.Errorf("reason %q", cuts[0].Reason)
	}
	s.watch.End(id, s.now)
	s.refused("12", "+4930123456", "fraud.blocked.caller")
	s.refused("12", "0123456789", "")
	s.refused("12", "112", "")
}

func TestPremiumNumbersHaveOneBudgetTogetherAndAreNeverUsual(t *testing.T) {
	s := play(t)
	for i, n := range []string{"0899123456", "3232", "0898123456", "3232", "0899123456"} { // 3.00 each
		if !s.talk(string(rune('a'+i)), n, time.Minute) {
			t.Fatalf("%s is refused", n)
		}
	}
	s.refused("z", "118218", "fraud.budgets.prefix")
	s.refused("e", "0899123456", "fraud.blocked.prefix")
	s.refused("e", "0810123456", "")
}

func TestWhatTwoCallersSpendIsNotMixed(t *testing.T) {
	s := play(t)
	s.answered("12", "+252612345678")
	s.pass(4 * time.Minute)
	s.refused("13", "+4930123456", "")
}

func TestTwoCallsUseTheBudgetTwiceAsFast(t *testing.T) {
	s := play(t)
	s.answered("12", "+252612345678")
	s.answered("12", "+253612345678") // 3.00: together 6.00 a minute
	begun := s.now
	cuts := s.await(time.Hour)
	if want := 15 * time.Minute * 100 / 600; len(cuts) != 2 || (s.now.Sub(begun)-want).Abs() > time.Second {
		t.Fatalf("cut %v after %v, want both after %v", cuts, s.now.Sub(begun), want)
	}
}

func TestAPriceOfACallCoversItsFirstMinutes(t *testing.T) {
	s := play(t, func(f *policy.Fraud) { f.Budgets.Unfamiliar = 0 })
	begun := s.now
	s.answered("12", "0899123456") // 3.00 cover 3:45, then 0.80 a minute
	cuts := s.await(2 * time.Hour)
	if want := 15 * time.Minute * 100 / 80; len(cuts) != 1 || (s.now.Sub(begun)-want).Abs() > time.Second {
		t.Fatalf("cut %v after %v, want it after %v", cuts, s.now.Sub(begun), want)
	}
}

func TestCallsThatRingHoldTheMoneyTheyWillCost(t *testing.T) {
	s := play(t, func(f *policy.Fraud) {
		f.Caller, f.Prefix, f.Budgets.Unfamiliar = policy.FraudLevels{}, policy.FraudLevels{}, 0
	})
	for i := range 5 {
		if s.try("12", "0899123456") == 0 {
			t.Fatalf("call %d of 3 € is refused", i+1)
		}
	}
	s.refused("12", "0899123456", "fraud.budgets.caller")
}

func TestACallThatIsNotAnsweredCostsNothing(t *testing.T) {
	s := play(t, func(f *policy.Fraud) { f.Caller, f.Prefix = policy.FraudLevels{}, policy.FraudLevels{} })
	for range 50 {
		id := s.try("12", "0899123456")
		if id == 0 {
			t.Fatal("refused")
		}
		s.watch.End(id, s.now)
		s.pass(time.Minute)
	}
}

func TestACountryThatIsNotCalledUsuallyHasABudgetOfItsOwn(t *testing.T) {
	s := play(t)
	s.learned()
	s.answered("12", "+252612345678")
	begun := s.now
	cuts := s.await(time.Hour) // 10 € at 3.00
	if want := 200 * time.Second; len(cuts) != 1 || (s.now.Sub(begun)-want).Abs() > time.Second || cuts[0].Rule != "fraud.budgets.unfamiliar" {
		t.Fatalf("cut %v after %v, want it after %v", cuts, s.now.Sub(begun), want)
	}
	s.watch.End(cuts[0].ID, s.now)
	s.refused("13", "+252622222222", "fraud.blocked.prefix")
	s.pass(30 * 24 * time.Hour)
	s.refused("13", "+252622222222", "fraud.blocked.prefix")
	if _, ok := s.watch.Release(BlockPrefix, "+252", s.now); !ok {
		t.Fatal("not released")
	}
	s.refused("13", "+252622222222", "")
}

func TestWhatWasSpentWhileTheBoxLearnedIsNotHeldAgainstACountry(t *testing.T) {
	s := play(t)
	for range 13 {
		s.talk("12", "+252612345678", 4*time.Minute) // 12 € a day
		s.pass(24*time.Hour - 4*time.Minute)
	}
	s.pass(48 * time.Hour)
	s.refused("12", "+252612345678", "")
}

func TestSpentSlowlyTheUnfamiliarBudgetIsGoneAllTheSame(t *testing.T) {
	s := play(t)
	s.learned()
	calls := 0
	for range 60 {
		if s.talk("12", "+252612345678", time.Minute) {
			calls++
		}
		s.pass(12 * time.Hour)
	}
	if calls != 4 { // the last one for a third of its minute
		t.Errorf("%d calls of a minute at 3 € were let through, want 4 for 10 €", calls)
	}
}

func TestANightHasABudgetForAllCallers(t *testing.T) {
	s := play(t)
	s.pass(13 * time.Hour) // 23:00
	for i, caller := range []string{"12", "13", "14", "15"} {
		s.answered(caller, []string{"+221331234567", "+212512345678", "+20212345678", "+5511123456789"}[i])
	}
	begun := s.now
	cuts := s.await(time.Hour) // 4 x 1.20: 12 € last 2:30
	if want := 150 * time.Second; len(cuts) != 4 || (s.now.Sub(begun)-want).Abs() > time.Second || cuts[0].Rule != "fraud.budgets.night" {
		t.Fatalf("cut %v after %v, want four after %v", cuts, s.now.Sub(begun), want)
	}
}

func TestAWeekendWithItsNightsHasOneBudget(t *testing.T) {
	s := play(t)
	s.now = time.Date(2026, 9, 11, 23, 0, 0, 0, s.now.Location())        // Friday
	if s.answered("12", "+221331234567"); len(s.await(time.Hour)) != 1 { // 1.20 a minute
		t.Fatal("not cut")
	}
	s.watch.End(s.next, s.now)
	for range 3 { // Saturday, Sunday, Monday before dawn
		s.pass(18 * time.Hour)
		s.refused("13", "+4930123456", "fraud.budgets.night")
	}
	s.now = time.Date(2026, 9, 14, 7, 0, 0, 0, s.now.Location())
	s.refused("13", "+4930123456", "")
}

func TestWhoHadTheMoneyOfTheNightDoesNotBeginAnewInTheMorning(t *testing.T) {
	for name, days := range map[string][2]int{"a night": {7, 8}, "a weekend": {11, 14}} {
		for _, restarted := range []bool{false, true} {
			s := play(t)
			s.now = time.Date(2026, 9, days[0], 23, 0, 0, 0, s.now.Location())
			if s.answered("12", "+221331234567"); len(s.await(time.Hour)) != 1 { // all 12 € of the night, 1.20 a minute
				t.Fatal("not cut")
			}
			s.watch.End(s.next, s.now)
			if restarted {
				kept := s.watch.Ledger(s.now)
				s.watch = New(config(t, s.watch.config.Policy))
				s.watch.Restore(kept, s.now)
			}
			s.now = time.Date(2026, 9, days[1], 9, 0, 0, 0, s.now.Location())
			for _, next := range []struct {
				caller, dialled string
				lasts           time.Duration
			}{{"12", "+20212345678", 150 * time.Second}, {"13", "+212512345678", 750 * time.Second}} { // 3 € are left, and 15
				id, begun := s.answered(next.caller, next.dialled), s.now
				cuts := s.await(time.Hour)
				if len(cuts) != 1 || cuts[0].ID != id || (s.now.Sub(begun)-next.lasts).Abs() > time.Second {
					t.Errorf("%s, restarted %v: caller %s is cut after %v (%+v), want %v", name, restarted, next.caller, s.now.Sub(begun), cuts, next.lasts)
				}
				s.watch.End(id, s.now)
			}
		}
	}
}

func TestTheNextDayHasANewBudgetWhereNobodyIsBlocked(t *testing.T) {
	s := play(t, func(f *policy.Fraud) { f.Actions.Caller = policy.FraudRefuse })
	s.talk("12", "+252612345678", 6*time.Minute)
	s.refused("12", "+252612345678", "fraud.budgets.caller")
	s.pass(24 * time.Hour)
	s.refused("12", "+252612345678", "")
}

func TestASimulationTellsAndDoesNothing(t *testing.T) {
	s := play(t, func(f *policy.Fraud) { f.Mode = policy.FraudSimulate })
	s.answered("12", "+252612345678")
	if cuts := s.await(time.Hour); len(cuts) != 0 {
		t.Errorf("it cuts %v", cuts)
	}
	s.refused("12", "+252612345678", "")
	alarms := s.watch.Alarms()
	if len(alarms) == 0 || !alarms[0].Simulated || len(s.watch.Blocks()) > 0 {
		t.Errorf("told %+v, blocked %v", alarms, s.watch.Blocks())
	}
}

func TestWithoutFraudNothingIsJudged(t *testing.T) {
	s := play(t, func(f *policy.Fraud) { f.Mode = policy.FraudOff })
	for range 100 {
		if s.answered("12", "0899123456") == 0 {
			t.Fatal("refused")
		}
	}
	if cuts := s.await(time.Hour); cuts != nil || s.watch.Alarms() != nil {
		t.Error("something was found out")
	}
}

func TestWhoIsReleasedMayCallAgain(t *testing.T) {
	s := play(t)
	s.talk("12", "+252612345678", 6*time.Minute)
	s.refused("12", "+252612345678", "fraud.budgets.caller")
	s.refused("12", "+4930123456", "fraud.blocked.caller")
	if _, ok := s.watch.Release(BlockCaller, "12", s.now); !ok {
		t.Fatal("not released")
	}
	if _, again := s.watch.Release(BlockCaller, "12", s.now); again {
		t.Error("released twice")
	}
	s.refused("12", "+4930123456", "")
	s.watch.Alarms()
	s.talk("12", "+221331234567", 20*time.Minute)
	s.refused("12", "+4930123456", "fraud.budgets.caller")
	if len(s.watch.Alarms()) == 0 {
		t.Error("the second time is not told")
	}
}

// Emergency calls are admitted without asking; should somebody ask, nothing stands against one.
func TestNothingStandsAgainstAnEmergencyCall(t *testing.T) {
	s := play(t)
	for _, b := range []Block{{Kind: BlockCaller, Of: "12"}, {Kind: BlockPrefix, Of: "112"}} {
		s.watch.block(b)
	}
	for _, n := range s.plan.EmergencyNumbers() {
		s.refused("12", n, "")
	}
}

// The sums on the accounts are those of each call reckoned alone, whatever the order of what happens.
func TestTheLedgerAddsUp(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := play(t, func(f *policy.Fraud) {
		f.Budgets, f.Caller, f.Prefix = policy.FraudBudgets{}, policy.FraudLevels{}, policy.FraudLevels{}
	})
	type open struct {
		at   time.Time
		rate Rate
	}
	running, sum := map[uint64]open{}, Money(0)
	numbers := []string{"0899123456", "+252612345678", "118218", "+4930123456", "0810123456", "3232"}
	for range 400 {
		s.pass(time.Duration(random.IntN(60_000)) * time.Millisecond)
		n := numbers[random.IntN(len(numbers))]
		c := s.call("12", n)
		s.watch.Begin(c)
		s.watch.Answer(c.ID, s.now)
		running[c.ID] = open{s.now, s.watch.config.Prices.Of(c.Number).Rate}
		for id, o := range running {
			if random.IntN(3) == 0 {
				s.watch.End(id, s.now)
				sum += o.rate.Cost(s.now.Sub(o.at))
				delete(running, id)
			}
		}
	}
	for id, o := range running {
		s.watch.End(id, s.now)
		sum += o.rate.Cost(s.now.Sub(o.at))
	}
	a, b := s.watch.accounts[accountKey{ofCaller, "12"}], s.watch.accounts[accountKey{ofCallerUsual, "12"}]
	if off := a.spent + b.spent - sum; off < -1000 || off > 10_000 || !a.idle() || !b.idle() {
		t.Errorf("the accounts say %v and %v, the calls come to %v, idle %v, %v", a.spent, b.spent, sum, a.idle(), b.idle())
	}
}

func TestARestartForgetsNoMoneyAndNoBlock(t *testing.T) {
	s := play(t)
	s.learned()
	s.talk("12", "+221331234567", 5*time.Minute) // 6 €
	s.watch.block(Block{Kind: BlockPrefix, Of: "+252", Since: s.now})
	id := s.answered("12", "+212512345678") // 1.20 a minute
	answered := s.now
	s.pass(2 * time.Minute)
	kept := s.watch.Ledger(s.now)
	resumed := s.call("12", "+212512345678")
	resumed.ID = id

	s.watch = New(s.watch.config)
	s.watch.Restore(kept, s.now)
	s.watch.Resume(resumed, answered)
	s.refused("13", "+252612345678", "fraud.blocked.prefix")
	begun := s.now
	cuts := s.await(time.Hour) // 6 + 2.40 are spent
	if want := 6600 * time.Millisecond * 1000 / 20; len(cuts) != 1 || (s.now.Sub(begun)-want).Abs() > time.Second {
		t.Fatalf("cut %v after %v, want it after %v", cuts, s.now.Sub(begun), want)
	}
}

func TestTheLedgerIsBoundedHoweverManyCallAndWhereverTo(t *testing.T) {
	s := play(t, func(f *policy.Fraud) { f.Mode = policy.FraudSimulate })
	for i := range 30_000 {
		caller := string(rune('a'+i%26)) + strings.Repeat("x", i%7) + time.Duration(i).String()
		n, err := s.plan.Read("+4930"+strings.Repeat("1", 1+i%3)+"23456", "")
		if err != nil {
			t.Fatal(err)
		}
		s.next++
		c := Call{ID: s.next, Caller: caller, Number: n, At: s.now}
		s.watch.Refuse(c)
		s.watch.Begin(c)
		s.watch.Answer(c.ID, s.now)
		s.pass(time.Second)
		s.watch.End(c.ID, s.now)
	}
	if n := len(s.watch.accounts); n > mostAccounts+10 {
		t.Errorf("%d accounts", n)
	}
	if len(s.watch.runs) > 0 || len(s.watch.told) > mostTold {
		t.Errorf("%d calls, %d told", len(s.watch.runs), len(s.watch.told))
	}
}
