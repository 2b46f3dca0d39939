package bench

import "testing"

func TestTheMostCallsAreFoundWhereverTheSearchBegins(t *testing.T) {
	for limit := 0; limit <= mostCalls+largeStep; limit += 10 {
		for _, k := range []relayKind{steered, portable, rtpengine} {
			s, tried := newSearch(k), 0
			for ; !s.over(); tried++ {
				if s.calls < smallStep || s.calls > mostCalls || s.calls%smallStep != 0 {
					t.Fatalf("limit %d: %d calls are tried", limit, s.calls)
				}
				s.take(s.calls <= limit, true)
			}
			if want := min(limit, mostCalls) / smallStep * smallStep; s.best != want {
				t.Errorf("limit %d, %s: %d calls; want %d", limit, k, s.best, want)
			}
			if tried > 12 {
				t.Errorf("limit %d, %s: %d tries", limit, k, tried)
			}
		}
	}
}

func TestANumberIsTooManyWhenItWasTriedThreeTimes(t *testing.T) {
	s := newSearch(rtpengine)
	s.take(false, false)
	s.take(false, false)
	if s.calls != 800 || s.tooMany <= mostCalls {
		t.Errorf("after two tries: %+v", *s)
	}
	s.take(true, false)
	if s.best != 800 || s.calls != 1000 {
		t.Errorf("carried at the third: %+v", *s)
	}
	s.take(false, false)
	s.take(false, false)
	if s.take(false, false); s.tooMany != 1000 || s.calls != 900 {
		t.Errorf("not carried three times: %+v", *s)
	}
}
