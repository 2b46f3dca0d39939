package tone

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestAToneIsHeardAndTheOthersAreNot(t *testing.T) {
	for _, f := range []float64{620, 850, 1150, 1480} {
		j := Judge(Generate(f, 3), f, 620+850+1150+1480-f)
		if !j.Heard() {
			t.Errorf("%.0f Hz not heard: %s", f, j)
		}
		if math.Abs(j.Strength[f]-Amplitude) > Amplitude/100 {
			t.Errorf("%.0f Hz measured as %.0f, generated at %d", f, j.Strength[f], Amplitude)
		}
	}
}

func TestTheWrongToneSilenceNoiseAndAMixtureAreNotTheTone(t *testing.T) {
	mixture := Generate(620, 2)
	for i, x := range Generate(850, 2) {
		mixture[i] = mixture[i]/2 + x/2
	}
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]int16, 2*Rate)
	for i := range noise {
		noise[i] = int16(random.IntN(1 << 16))
	}
	for name, samples := range map[string][]int16{
		"another tone": Generate(850, 2),
		"silence":      make([]int16, 2*Rate),
		"noise":        noise,
		"two tones":    mixture,
		"nothing":      nil,
	} {
		if j := Judge(samples, 620, 850, 1150); j.Heard() {
			t.Errorf("%s passes for 620 Hz: %s", name, j)
		}
	}
}

func TestTheLoudestSecondIsFoundBetweenSilences(t *testing.T) {
	samples := slices.Concat(make([]int16, 2*Rate), Generate(1150, 1), make([]int16, 2*Rate))
	if got := Strength(Loudest(samples), 1150); got < 0.95*Amplitude {
		t.Errorf("loudest second holds the tone at %.0f of %d", got, Amplitude)
	}
}

func TestAWrittenFileIsReadBack(t *testing.T) {
	name := filepath.Join(t.TempDir(), "tone.wav")
	want := Generate(620, 1)
	if err := WriteFile(name, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Error("samples differ after a round trip")
	}
}

func TestAnUnfinishedRecordingIsReadAsFarAsItGoes(t *testing.T) {
	name := filepath.Join(t.TempDir(), "cut.wav")
	if err := WriteFile(name, Generate(620, 1)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(b[:wavHeader+2*100])
	if err != nil || len(got) != 100 {
		t.Errorf("read %d samples (%v), want the 100 that are there", len(got), err)
	}
}

func TestWhatIsNoRecordingIsRefused(t *testing.T) {
	stereo := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00"), make([]byte, 20)...)
	for name, b := range map[string][]byte{"empty": nil, "text": []byte("hello, this is not audio"), "stereo": stereo} {
		if _, err := decode(b); err == nil {
			t.Errorf("%s was read as a recording", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = decode(b) })
}
