package bench

import (
	"errors"
	"testing"
)

func TestTheMostCallsAreFoundWhereverTheSearchBegins(t *testing.T) {
	for limit := 0; limit <= mostCalls+largeStep; limit += 10 {
		for _, k := range []relayKind{steered, portable, rtpengine} {
			tried := 0
			got, err := mostCarried(k.nearby(), func(calls int) (bool, error) {
				if tried++; calls < smallStep || calls > mostCalls || calls%smallStep != 0 {
					t.Fatalf("limit %d: %d calls are tried", limit, calls)
				}
				return calls <= limit, nil
			})
			if want := min(limit, mostCalls) / smallStep * smallStep; got != want || err != nil {
				t.Errorf("limit %d, %s: %d calls, %v; want %d", limit, k, got, err, want)
			}
			if tried > 12 {
				t.Errorf("limit %d, %s: %d tries", limit, k, tried)
			}
		}
	}
}

func TestASearchThatFailsSaysWhy(t *testing.T) {
	broken := errors.New("broken")
	if _, err := mostCarried(800, func(int) (bool, error) { return false, broken }); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
}
