package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The attacks on identity, routing and the box's strength that it has to withstand, and what proves that it does: tests, and
// flows of scripts/lab/scenario by the function that lists them. A name that changes has to change here and in THREATS.md.
var threats = []struct {
	attack string
	proofs map[string][]string // by folder, seen from the root of the repository
}{
	{"12 a callee challenges the box for the password of a carrier", map[string][]string{
		"firmware/ua":          {"TestAChallengeIsAnsweredOnceWithTheStrongestAlgorithm"},
		"scripts/lab/scenario": {"challenged"},
	}},
	{"13 extensions are guessed by the difference of the answers", map[string][]string{
		"firmware/access": {"TestAnUnknownUserGetsTheAnswerOfAWrongSecret", "TestAnUnknownUserCostsTheWorkOfAWrongSecret"},
	}},
	{"14 passwords are guessed", map[string][]string{
		"firmware/access":    {"TestASourceIsBannedForMoreThanItMayDo", "TestManyPhonesBehindOneAddressAreNoAttack"},
		"netfilter":          {"TestABannedSourceReachesNothing"},
		"scripts/lab/branch": {"TestWhoGuessesPasswordsIsBannedButMayCallForHelp"},
	}},
	{"15 credentials are replayed, or taken by a weaker algorithm", map[string][]string{
		"firmware/access": {"TestANonceUsedBeforeIsStale", "TestANonceIsOnlyGoodForItsTimeItsPlaceAndItsBox", "TestNoncesAreForgottenWithoutBeingReplayable",
			"TestCredentialsSentFiftyTimesAtOnceOpenTheGateOnce", "TestOnlyTheAlgorithmsOfThePolicyAreOfferedAndTaken"},
	}},
	{"16 a registration is hijacked", map[string][]string{
		"firmware/access":    {"TestARegistrationNeedsTheSecretWhateverItsToSays", "TestNobodyRegistersUnlessThePolicySaysSo"},
		"firmware/registrar": {"TestOnlyTheUserOfThePolicyIsRegistered", "TestAStarThatDoesMoreThanRemoveIsRefused", "TestThereIsOneBindingAndTheLastWordCounts"},
	}},
	{"17, 18 the office shows a number that is not its own, or injects who has called or forwarded", map[string][]string{
		"firmware/call":        {"TestANumberThatIsNotTheTrunksIsRefusedWhereThePolicySaysSo", "TestAForwardedCallShowsWhoHasCalledOnlyWhenItIsOne", "TestForwardingEndsWithTheCallThatIsForwarded"},
		"scripts/lab/scenario": {"identity", "strict", "TestWhateverCrossesTheBorderIsFound"},
	}},
	{"19 what a carrier alone may say of a caller comes from somebody else", map[string][]string{
		"firmware/call":        {"TestWhatATrunkAssertsIsShownToThePBXWhenTheTrunkIsTrusted"},
		"firmware/header":      {"TestWhatPassesIsWrittenAfresh", "TestASignedIdentityIsKeptWholeOrNotAtAll"},
		"scripts/lab/scenario": {"distrusted"},
	}},
	{"20 a signature of who calls is altered, replayed or of nobody who counts, or has the box fetch what it must not", map[string][]string{
		"firmware/stir": {"TestASignatureThatIsWrongIsRefused", "TestNoBitOfASignatureCanBeChanged", "TestACertificateThatProvesNothingIsRefused", "TestASignersCertificateIssuesNoOthers", "TestASignatureServesOneCall"},
		"firmware/stir/fetch": {"TestNothingIsFetchedFromWhereItMustNotBe", "TestANameThatLeadsElsewhereAMomentLaterGainsNothing", "TestAServerThatMisbehavesIsNotFollowed", "TestASlowServerIsWaitedForOnceAndNotLong",
			"TestAServerThatNeverEndsIsGivenUp"},
		"firmware/call":       {"TestACallWithoutARightSignatureIsRefusedWhereThePolicySaysSo", "TestACallBackAfterACallForHelpIsNotJudgedByItsSignature"},
		"scripts/lab/branch":  {"TestCallsAreSignedAndTheSignaturesOfOthersAreJudged"},
		"scripts/lab/interop": {"TestSecsipidxAndTheBoxTakeOneAnothersSignatures"},
	}},
	{"21 the clock is not set: nothing is signed or judged, calls go on, and somebody is told", map[string][]string{
		"firmware/call": {"TestWhileTheTimeIsNotKnownNothingIsSignedOrJudgedAndCallsGoOn"},
		"firmware":      {"TestThatNothingIsSignedForWantOfTheTimeIsToldAtTheTrunk"},
	}},
	{"22 Via says to answer elsewhere", map[string][]string{
		"firmware/edge": {"TestViaSaysWhereARequestReallyCameFrom", "TestWhatMustNotBeAnsweredIsNot"},
	}},
	{"23 Contact, Record-Route or Refer-To lead to the office, the box or a third party", map[string][]string{
		"firmware/ua":          {"TestRequestsReachOnlyTheDialogOfTheirOwnPeer"},
		"firmware/trunk":       {"TestANameThatLeadsIntoTheOfficeIsNotFollowed"},
		"scripts/lab/scenario": {"elsewhere", "redirected"},
	}},
	{"24 a transfer, a redirection or a Replaces leads to a premium number", map[string][]string{
		"firmware/call":        {"TestARedirectionIsJudgedAndBounded", "TestTransfersThatMayNotBeAreRefused", "TestWhatCannotBeReplacedIsRefused", "TestKeyPressesArePassedOnAndNothingElse"},
		"firmware/admission":   {"TestTheFirstRuleThatFitsDecides"},
		"scripts/lab/scenario": {"judged"},
	}},
	{"25 the box is used as an open relay", map[string][]string{
		"scripts/lab/branch":   {"TestStrangersGetNoService"},
		"scripts/lab/scenario": {"strangers", "refused"},
	}},
	{"26 answers without state are used to amplify", map[string][]string{
		"firmware/edge": {"TestAnAnswerWithoutStateAmplifiesNothing", "TestAnAnswerToRubbishIsHardlyLongerThanIt", "TestARefusalSaysNothingButItsStatus"},
	}},
	{"27 a call goes round in a loop", map[string][]string{
		"firmware/call":        {"TestALoopOfOverflowsDies", "TestARedirectionIsJudgedAndBounded"},
		"scripts/lab/scenario": {"refused"},
	}},
	{"28 a number that may not be called, in every spelling", map[string][]string{
		"firmware/numbering":   {"TestEverySpellingOfANumberIsTheSameNumber", "TestWhatIsNotANumberIsRefusedWithTheReason", "TestANumberAbroadIsOfACountryAndMayCostMore"},
		"firmware/admission":   {"TestWhatCanCostWithoutACeilingIsClosedUnlessItIsListed"},
		"scripts/lab/scenario": {"judged"},
	}},
	{"29 fifty INVITEs race a cap", map[string][]string{
		"firmware/admission": {"TestRacingCallsAreCountedExactly", "TestRacingCallsAreCountedExactlyByEveryKindOfCap", "TestRacingCallsBeginOnATrunkAsFastAsItsCapAllows", "TestNoSecondHoldsMoreCallsThanItsCap"},
	}},
	{"30 calls come too fast, or unlike ever before; emergency numbers pass all the same", map[string][]string{
		"firmware/admission": {"TestANumberThatIsShownTooOftenRests", "TestEmergencyNumbersPassInEveryStateOfEveryPolicy", "TestWhoWatchesMayRefuseACallAndATrunkButNeverAnEmergencyCall"},
		"firmware/fraud":     {"TestARunningCallEndsWhenTheMoneyOfItsCallerIsGone", "TestNothingStandsAgainstAnEmergencyCall"},
	}},
	{"31 re-INVITEs without end, forks, storms of ringing, races of CANCEL, requests without a dialog", map[string][]string{
		"firmware/ua":          {"TestASecondBranchOfAForkIsHungUp", "TestAFullMailboxRefusesInsteadOfStalling", "TestAFloodOfTransactionsForgetsTheOldest", "TestRequestsReachOnlyTheDialogOfTheirOwnPeer"},
		"firmware/call":        {"TestAnAnswerThatCrossesACancelIsHungUp", "TestAChangeIsRefusedWhileTheCallGoesOn"},
		"scripts/lab/scenario": {"refused"},
	}},
	{"32-34, 36-38 floods of requests, forged sources, SYN and handshake floods, half-open connections, fragments", map[string][]string{
		"netfilter": {"TestAHostThatHasNotProvedItselfSendsWithinItsRate", "TestAPeerThatFloodsIsHeldBackAtARateNoOfficeReaches", "TestWhatIsNotAllowedIsDroppedAndCounted",
			"TestASYNFloodKeepsNoPeerOut", "TestConnectionsOfOneSourceAreBounded", "TestAPeerThatFloodsWithFragmentsKeepsNobodyElseOut"},
		"firmware/edge": {"TestOneSourceHasSoManyConnectionsAndNoMore", "TestAllTogetherHaveSoManyConnectionsAndNoMore"},
	}},
	{"35, 39 connections that send a byte now and then, to SIP and to the page", map[string][]string{
		"firmware/edge": {"TestConnectionsArePatientOnlySoLong"},
		"firmware/api":  {"TestAClientThatSendsTooSlowlyIsCutOff"},
		"netfilter":     {"TestAConfiguredPeerIsNeverBanned"},
	}},
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

func TestEveryAttackHasItsTests(t *testing.T) {
	table, err := os.ReadFile("THREATS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, threat := range threats {
		for folder, names := range threat.proofs {
			source := goFiles(t, filepath.Join("..", folder))
			for _, name := range names {
				if !strings.Contains(source, "func "+name+"(") {
					t.Errorf("%s: there is no %s in %s", threat.attack, name, folder)
				}
				if !strings.Contains(string(table), "`"+name+"`") {
					t.Errorf("%s: THREATS.md does not name %s", threat.attack, name)
				}
			}
		}
		if !strings.Contains(string(table), "| "+threat.attack+" |") {
			t.Errorf("THREATS.md does not have the attack %q", threat.attack)
		}
	}
}

// goFiles returns the Go files of a folder, one after the other.
func goFiles(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s (%v)", folder, err)
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
