package media

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The attacks on media that the box has to withstand, and the tests that prove it does. A name that changes has to change
// here.
var threats = []struct {
	attack string
	tests  map[string][]string // by folder, seen from the root of the repository
}{
	{"40 RTP bleed: a foreign source before, at and after the start gets nothing", map[string][]string{
		"firmware/media":     {"TestAStrangerIsNeitherHeardNorAnswered", "TestSilenceLetsNobodyInFromAnUnexpectedAddress", "TestBeforeSetNothingIsTaken"},
		"scripts/lab/branch": {"TestNobodyElseHearsOrIsHeardInACall"},
	}},
	{"41 RTP injection, plain and as SRTP with no tag or a wrong one", map[string][]string{
		"firmware/media":     {"TestAPlainPeersPortIsLearnedOnceAndThenFixed", "TestOnlyAWholeStreamConvinces", "TestClearAudioOnAnEncryptedLegIsRefused", "TestSRTPMovesAmongPortsOnlyByAPacketThatProvesItself", "TestSRTPTooShortForItsTagIsDropped"},
		"scripts/lab/branch": {"TestNobodyElseHearsOrIsHeardInACall"},
	}},
	{"42 10,000 packets with wrong tags end no call", map[string][]string{
		"firmware/media":     {"TestBadTagsDoNotDisturbTheCall", "TestBadTagsFromManySourcesAreForgotten", "TestAWrongKeyIsCounted"},
		"scripts/lab/branch": {"TestNobodyElseHearsOrIsHeardInACall"},
	}},
	{"43 replays, a wrap of the sequence, another source, jumps, junk in RTP and RTCP", map[string][]string{
		"firmware/media": {"TestReplayedPacketsAreDropped", "TestReplayedSRTCPIsDropped", "TestTheSameKeyGoesOnAcrossTheRollOver", "TestAReplayFromBeforeASessionRefreshIsStillDropped",
			"TestSourcesUnderOneKeyAreBounded", "TestASourceThatStartsOverIsHeardAgain", "TestNoKeyStreamIsUsedTwiceAndAReceiverFollows", "TestWhatIsNotRTPIsDropped", "TestReportsOfEveryKindPassAndJunkDoesNot"},
	}},
	{"44 DTLS: a handshake of somebody else, a wrong or weak fingerprint, exchanged roles, another certificate in mid-call", map[string][]string{
		"firmware/media": {"TestHandshakesFromStrangersAreIgnored", "TestAHandshakeThatBeginsWithNothingHindersNobody", "TestACertificateThatSignallingDoesNotNameEndsTheHandshake", "TestNothingPassesBeforeTheKeysAreMade", "TestAnotherCertificateMakesAnotherHandshake"},
		"firmware/sdp":   {"TestAHandshakeThatProvesNothingIsRefused", "TestAnAnswerNeverLeavesTheWayTheKeysAreMade"},
		"firmware/call":  {"TestAHandshakeIsRefusedWhereItIsNotSpoken", "TestAnAnswerThatLeavesTheHandshakeEndsTheCall", "TestAHandshakeThatFailsEndsTheCallWithItsReason"},
	}},
	{"45 an answer with a suite or tag that was not offered, a short key, no encryption, a downgrade in mid-call", map[string][]string{
		"firmware/sdp":       {"TestCryptoLinesThatWouldWeakenTheCallAreRefused", "TestAnAnswerIsCheckedByTagAndSuite", "TestAnAnswerWithAnotherSuiteThanOfferedSaysSo"},
		"firmware/call":      {"TestAnAnswerThatDoesNotFitTheOfferedKeysEndsTheCall", "TestWhatWasEncryptedStaysEncrypted"},
		"scripts/lab/branch": {"TestEachSuiteThatTheCarriersTelephonesHaveCarriesACall"},
	}},
	{"46 no key is shared by calls, legs or INVITEs; forks share one and one alone is heard; a refresh keeps the key", map[string][]string{
		"firmware/call":  {"TestNoTwoInvitesShareAKey", "TestForksOfOneInviteShareAKeySoThatOneAloneIsHeard", "TestAReOfferKeepsOurKeyAndANewSuiteGetsAFreshOne"},
		"firmware/media": {"TestParametersThatCannotWorkAreRefused", "TestOverRestartsNoKeyStreamIsUsedTwice"},
	}},
	{"47 wiretap on the carrier's link: noise, and no tone in it", map[string][]string{
		"firmware/media":     {"TestTheEncryptedLegIsUnreadable"},
		"scripts/lab/branch": {"TestCallsCrossTheBorderBothWays"},
	}},
	{"48 a port scan learns nothing; a pinhole is shut within a second of the BYE", map[string][]string{
		"netfilter":          {"TestMediaPassesWhileItsPinholeIsOpen", "TestAPinholeShutEndsAnActiveFlow"},
		"scripts/lab/branch": {"TestAPortScanLearnsNothing", "TestNobodyElseHearsOrIsHeardInACall"},
	}},
}

func TestEveryAttackOnMediaHasItsTests(t *testing.T) {
	for _, threat := range threats {
		for folder, names := range threat.tests {
			source := testsIn(t, filepath.Join("..", "..", folder))
			for _, name := range names {
				if !strings.Contains(source, "func "+name+"(") {
					t.Errorf("%s: there is no %s in %s", threat.attack, name, folder)
				}
			}
		}
	}
}

// testsIn returns the test files of a folder, one after the other.
func testsIn(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s (%v)", folder, err)
	}
	var all strings.Builder
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}
