package evidence

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/certs"
)

// keeper keeps records in memory.
type keeper map[string][]byte

func (k keeper) Put(kind, key string, value []byte) error { k[kind+"/"+key] = value; return nil }
func (k keeper) Get(kind, key string) ([]byte, bool, error) {
	v, ok := k[kind+"/"+key]
	return v, ok, nil
}

var night = time.Date(2026, 11, 22, 2, 10, 0, 0, time.UTC)

// aNight is what a box remembers of one with a fraud.
func aNight(t *testing.T) Case {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	answered := night.Add(9 * time.Second).In(zone)
	call := func(id, from, to string, after time.Duration) api.EndedCall {
		return api.EndedCall{
			Call: api.Call{
				ID: id, From: from, To: to, Trunk: "carrier", Started: night.Add(after).In(zone), Answered: &answered, Rule: "admission.classes",
				Steps: []api.Step{{Rule: "admission.classes", Says: "allows", Why: "international calls are allowed"}},
			},
			Ended: night.Add(after + time.Minute), Seconds: 51, Reason: "The caller hung up.",
		}
	}
	return Case{
		Serial: "B7", Release: "1.2.0", Zone: zone,
		Calls:  []api.EndedCall{call("c3", "31", "+4930999", 2*time.Hour), call("c2", "22", "+881999\x1b[2J", time.Minute), call("c1", "22", "+881998", 0)},
		Alarms: []api.FraudAlarm{{At: night.Add(70 * time.Second), Rule: "fraud.caller.night.calls", Of: "22", Caller: "22", To: "+881999\x1b[2J", Action: "block-caller", Reason: "2 calls abroad at night."}},
		Refusals: []api.Refusal{
			{At: night.Add(3 * time.Minute), From: "22", To: "+881997", Rule: "fraud.caller.night.calls", Reason: "22 is blocked.", Count: 7},
			{At: night, From: "40", To: "+4930998", Rule: "limits.calls", Reason: "Too many."},
		},
		Revisions: []Revision{{9, night.Add(time.Hour)}, {8, night.Add(-time.Hour)}, {7, night.Add(-48 * time.Hour)}},
	}
}

func authority(t *testing.T) *certs.Authority {
	t.Helper()
	a, err := certs.Open(keeper{}, func() time.Time { return night }, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// unpacked opens a zip.
func unpacked(t *testing.T, data []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return files
}

func TestTheZipOfAFraudSaysWhatHappenedAndIsSigned(t *testing.T) {
	a := authority(t)
	data, err := Zip(aNight(t).OfFraud(), a)
	if err != nil {
		t.Fatal(err)
	}
	files := unpacked(t, data)
	for name, wants := range map[string][]string{
		"index.txt": {"2026-11-22 02:10:00Z (2026-11-22 03:10:00 +01:00)  from 22 to +881998, trunk carrier", "considered admission.classes: allows, international calls are allowed",
			"found by fraud.caller.night.calls: 2 calls abroad at night.", "done: block-caller", "Revision 8 of the policy, in force from 2026-11-22 01:10:00Z", "to +881997, 7 times"},
		"index.fr.txt":  {"Alertes de fraude: 1", "Appels: 2", "Révision 8 des règles"},
		"calls.json":    {`"id": "c1"`, `"id": "c2"`, `"started": "2026-11-22T02:10:00Z"`, `"answered": "2026-11-22T02:10:09Z"`},
		"alarms.json":   {"fraud.caller.night.calls"},
		"refusals.json": {"+881997"},
		"policy.json":   {`"number": 8`},
	} {
		for _, want := range wants {
			if !strings.Contains(files[name], want) {
				t.Errorf("%s does not say %q:\n%s", name, want, files[name])
			}
		}
		for _, stranger := range []string{"c3", "+4930998", "Revision 7", "Revision 9", `"number": 9`, "\x1b"} {
			if strings.Contains(files[name], stranger) {
				t.Errorf("%s holds %q, which does not belong to it", name, stranger)
			}
		}
	}
	verified(t, a, files)
	again, err := Zip(aNight(t).OfFraud(), a)
	if err != nil || !bytes.Equal(again, data) {
		t.Errorf("the same records make another zip: %v", err)
	}
}

// verified checks the sums and the signature with nothing but what is in the zip, and that its certificate is the box's.
func verified(t *testing.T, a *certs.Authority, files map[string]string) {
	t.Helper()
	listed := 0
	for line := range strings.Lines(files[SumsFile]) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if fmt.Sprintf("%x", sha256.Sum256([]byte(files[name]))) != sum {
			t.Errorf("the sum of %s is wrong", name)
		}
		listed++
	}
	if listed != len(files)-2 {
		t.Errorf("%d files of %d have a sum", listed, len(files)-2)
	}
	block, _ := pem.Decode([]byte(files[CertificateFile]))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(files[SumsFile]))
	if key := cert.PublicKey.(*ecdsa.PublicKey); !ecdsa.VerifyASN1(key, sum[:], []byte(files[SignatureFile])) {
		t.Error("the signature is wrong")
	}
	if own, _ := a.CA(); string(own) != files[CertificateFile] {
		t.Error("another key has signed")
	}
}

func TestTheZipOfACallHoldsNoOther(t *testing.T) {
	c := aNight(t).OfCall("c2")
	if len(c.Calls) != 1 || c.Calls[0].Call.ID != "c2" || len(c.Alarms) != 1 || len(c.Refusals) != 0 || len(c.Revisions) != 1 || c.Revisions[0].Number != 8 {
		t.Errorf("%+v", c)
	}
	if c := aNight(t).OfCall("c3"); len(c.Alarms) != 0 || c.Revisions[0].Number != 9 {
		t.Errorf("%+v", c)
	}
	if !aNight(t).OfCall("other").Empty() || !(Case{Calls: aNight(t).Calls}).OfFraud().Empty() {
		t.Error("there is evidence of nothing")
	}
}
