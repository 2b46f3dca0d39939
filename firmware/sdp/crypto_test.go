package sdp

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"tollgate/firmware/policy"
)

const (
	key30 = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz" // of RFC 4568 §9.2
	key28 = "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQg=="
	aesCM = "AES_CM_128_HMAC_SHA1_80"
	gcm   = "AEAD_AES_128_GCM"
)

func readOne(t *testing.T, value string) *Audio {
	t.Helper()
	a, ok := parse(t, text(cLine, "a=crypto:"+value)).Audio()
	if !ok {
		t.Fatal("no audio")
	}
	return a
}

func TestCryptoLinesThatPhonesSendAreTaken(t *testing.T) {
	for _, c := range []struct {
		value    string
		lifetime uint64
		mki      string
	}{
		{"1 " + aesCM + " inline:" + key30, 0, ""},
		{"999999999 " + aesCM + " inline:" + key30, 0, ""},
		{"1 " + aesCM + " inline:" + key30 + "|2^31", 1 << 31, ""},
		{"1 " + aesCM + " INLINE:" + key30 + "|1048576", 1048576, ""},
		{"1 " + aesCM + " inline:" + key30 + "|2^20|1:4", 1 << 20, "00000001"},
		{"1 " + aesCM + " inline:" + key30 + "|1:1", 0, "01"},
		{"1 " + aesCM + " inline:" + key30 + "|66051:10", 0, "00000000000000010203"},
		{"1 " + aesCM + " inline:" + key30 + " WSH=128 -X-future=1", 0, ""},
		{"7 " + gcm + " inline:" + key28, 0, ""},
		{"7 " + gcm + " inline:" + strings.TrimRight(key28, "="), 0, ""},
	} {
		t.Run(c.value, func(t *testing.T) {
			a := readOne(t, c.value)
			if len(a.Cryptos) != 1 {
				t.Fatalf("refused: %+v", a.Refused)
			}
			got := a.Cryptos[0]
			if got.Lifetime != c.lifetime || hex.EncodeToString(got.MKI) != c.mki || len(got.Key) != KeyLength(got.Suite) {
				t.Errorf("lifetime %d, MKI %x, %d bytes of key; want %d, %s", got.Lifetime, got.MKI, len(got.Key), c.lifetime, c.mki)
			}
		})
	}
}

func TestCryptoLinesThatWouldWeakenTheCallAreRefused(t *testing.T) {
	for value, says := range map[string]string{
		"1 " + aesCM:                                                                  "lacks",
		"0 " + aesCM + " inline:" + key30:                                             "tag",
		"x " + aesCM + " inline:" + key30:                                             "tag",
		"1000000000 " + aesCM + " inline:" + key30:                                    "tag",
		"1 NULL_HMAC_SHA1_80 inline:" + key30:                                         "suite",
		"1 F8_128_HMAC_SHA1_80 inline:" + key30:                                       "suite",
		"1 AES_CM_128_HMAC_SHA1_48 inline:" + key30:                                   "suite",
		"1 AES_256_CM_HMAC_SHA1_80 inline:" + key30:                                   "30 bytes instead of 46",
		"1 AEAD_AES_256_GCM inline:" + key28:                                          "28 bytes instead of 44",
		"1 " + aesCM + " inline:" + key28:                                             "28 bytes instead of 30",
		"1 " + gcm + " inline:" + key30:                                               "30 bytes instead of 28",
		"1 " + aesCM + " inline:":                                                     "0 bytes",
		"1 " + aesCM + " inline:!!!!":                                                 "base64",
		"1 " + aesCM + " uri:https://keys.example/1":                                  "key method",
		"1 " + aesCM + " inline:" + key30 + "|1:4;inline:" + key30 + "|2:4":           "several keys",
		"1 " + aesCM + " inline:" + key30 + "|2^49":                                   "lifetime",
		"1 " + aesCM + " inline:" + key30 + "|0":                                      "lifetime",
		"1 " + aesCM + " inline:" + key30 + "|1:0":                                    "MKI",
		"1 " + aesCM + " inline:" + key30 + "|256:1":                                  "MKI",
		"1 " + aesCM + " inline:" + key30 + "|1:129":                                  "MKI",
		"1 " + aesCM + " inline:" + key30 + "|1:1|2^31":                               "options",
		"1 " + aesCM + " inline:" + key30 + " KDR=1":                                  "KDR",
		"1 " + aesCM + " inline:" + key30 + " UNENCRYPTED_SRTP":                       "UNENCRYPTED_SRTP",
		"1 " + aesCM + " inline:" + key30 + " WSH=64 UNENCRYPTED_SRTCP":               "UNENCRYPTED_SRTCP",
		"1 " + aesCM + " inline:" + key30 + " UNAUTHENTICATED_SRTP":                   "UNAUTHENTICATED_SRTP",
		"1 " + aesCM + " inline:" + key30 + " FEC_ORDER=FEC_SRTP":                     "FEC_ORDER",
		"1 " + aesCM + " inline:" + key30 + " X-future=1":                             "X-future",
		"1 " + aesCM + " inline:" + key30 + " " + strings.Repeat("X", 50) + "\"\"=\"": "(unreadable)",
	} {
		t.Run(value, func(t *testing.T) {
			a := readOne(t, value)
			if len(a.Cryptos) != 0 || len(a.Refused) != 1 {
				t.Fatalf("it was taken: %v", a.Cryptos)
			}
			if r := a.Refused[0].Reason; !strings.Contains(r, says) || strings.Contains(r, "WVN") {
				t.Errorf("reason %q, want one with %q and without the key", r, says)
			}
		})
	}
}

func TestARefusedLineDoesNotSpoilTheOthers(t *testing.T) {
	a, _ := parse(t, text(cLine,
		"a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:AAAA",
		"a=crypto:2 "+aesCM+" inline:"+key30,
		"a=crypto:2 "+gcm+" inline:"+key28,
		"a=crypto:3 "+gcm+" inline:"+key28)).Audio()
	if len(a.Cryptos) != 2 || a.Cryptos[0].Tag != 2 || a.Cryptos[1].Tag != 3 || len(a.Refused) != 2 {
		t.Errorf("taken %v, refused %v", a.Cryptos, a.Refused)
	}
}

func TestChooseFollowsOurOrderAndPrefersNoMKI(t *testing.T) {
	offered := []Crypto{
		{Tag: 1, Suite: policy.SuiteAESCM128SHA180, MKI: []byte{1}},
		{Tag: 2, Suite: policy.SuiteAESCM128SHA180},
		{Tag: 3, Suite: policy.SuiteAEADAES128GCM, MKI: []byte{1}},
	}
	for _, c := range []struct {
		allowed []policy.Suite
		tag     int
	}{
		{[]policy.Suite{policy.SuiteAESCM128SHA180, policy.SuiteAEADAES128GCM}, 2},
		{[]policy.Suite{policy.SuiteAEADAES128GCM, policy.SuiteAESCM128SHA180}, 3},
		{[]policy.Suite{policy.SuiteAES256CMSHA180}, 0},
		{nil, 0},
	} {
		got, ok := Choose(offered, c.allowed)
		if got.Tag != c.tag || ok != (c.tag != 0) {
			t.Errorf("allowed %v: chose %d, %v; want %d", c.allowed, got.Tag, ok, c.tag)
		}
	}
}

func TestAnAnswerIsCheckedByTagAndSuite(t *testing.T) {
	offered := []Crypto{key(t, 1, policy.SuiteAESCM128SHA180, 'A'), key(t, 2, policy.SuiteAEADAES128GCM, 'B')}
	theirs := key(t, 2, policy.SuiteAEADAES128GCM, 'C')
	if got, err := Accepted(offered, &Audio{Cryptos: []Crypto{theirs}}); err != nil || !bytes.Equal(got.Key, theirs.Key) {
		t.Errorf("a right answer: %v, %v", got, err)
	}
	for says, answered := range map[string][]Crypto{
		"has 0 usable":    nil,
		"has 2 usable":    {key(t, 1, policy.SuiteAESCM128SHA180, 'C'), theirs},
		"not offered":     {key(t, 3, policy.SuiteAESCM128SHA180, 'C')},
		"was offered":     {key(t, 2, policy.SuiteAESCM128SHA180, 'C')},
		"sends our own k": {offered[1]},
	} {
		if _, err := Accepted(offered, &Audio{Cryptos: answered}); err == nil || Status(err) != 488 || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want a 488", says, err)
		}
	}
}

func TestKeysAreFreshAndNeverPrint(t *testing.T) {
	a, err := NewCrypto(1, policy.SuiteAESCM128SHA180, rand.Reader)
	b, _ := NewCrypto(1, policy.SuiteAESCM128SHA180, rand.Reader)
	if err != nil || len(a.Key) != 30 || bytes.Equal(a.Key, b.Key) {
		t.Fatalf("keys %d and %d bytes long, equal or not made: %v", len(a.Key), len(b.Key), err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "crypto", a, "audio", []Crypto{a})
	printed := log.String() + fmt.Sprintf("%v %+v %#v %s %d %x", a, a, a, a, a, a) + fmt.Sprintf("%+v", Audio{Cryptos: []Crypto{a}})
	for _, form := range []string{a.line()[len(a.line())-40:], hex.EncodeToString(a.Key), fmt.Sprint(a.Key)[1:20]} {
		if strings.Contains(printed, form) {
			t.Errorf("the key shows in %s", printed)
		}
	}
	if _, err := NewCrypto(1, "NULL", rand.Reader); err == nil {
		t.Error("a key for an unknown suite was made")
	}
	if _, err := NewCrypto(1, policy.SuiteAESCM128SHA180, bytes.NewReader([]byte("short"))); err == nil {
		t.Error("a key was made without enough randomness")
	}
}

func TestEverySuiteIsReadAndWritten(t *testing.T) {
	for i, suite := range policy.Suites() {
		c := key(t, i+1, suite, 'K')
		a := readOne(t, c.line())
		if len(a.Cryptos) != 1 || a.Cryptos[0].Suite != suite || !bytes.Equal(a.Cryptos[0].Key, c.Key) {
			t.Errorf("%s reads as %v, refused %v", suite, a.Cryptos, a.Refused)
		}
	}
}

// baresip 1.0 answers an offer of AES-256 alone like this.
func TestAnAnswerWithAnotherSuiteThanOfferedSaysSo(t *testing.T) {
	offered := []Crypto{key(t, 1, policy.SuiteAES256CMSHA180, 'A')}
	answer := readOne(t, "1 "+aesCM+" inline:"+key30)
	if _, err := Accepted(offered, answer); err == nil || !strings.Contains(err.Error(), "AES_256_CM_HMAC_SHA1_80 was offered") {
		t.Errorf("%v", err)
	}
}

func TestWhyNoLineCouldBeUsedIsTold(t *testing.T) {
	a := readOne(t, "1 "+aesCM+" inline:"+key30+" UNENCRYPTED_SRTP")
	want := "; crypto line 1 for AES_CM_128_HMAC_SHA1_80: its session parameter UNENCRYPTED_SRTP is not accepted"
	if got := a.WhyRefused(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if _, err := Accepted(nil, a); err == nil || !strings.Contains(err.Error(), "UNENCRYPTED_SRTP") {
		t.Errorf("%v", err)
	}
}

// suites are those that Tollgate knows.
var suites = policy.Suites()
