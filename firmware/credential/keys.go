package credential

import (
	"math"
	"strings"
	"sync"
	"unicode/utf8"
)

// keyboard is one whose neighbouring keys are tried one after the other.
type keyboard struct {
	keys   map[place][2]rune // what a key writes alone, and with shift
	at     map[rune]place
	around []place // where the neighbours of a key are, as seen from it
	degree float64 // how many neighbours a key has on average
}

type place struct{ x, y int }

// keyboards are read when the first password is judged.
var keyboards = sync.OnceValue(func() []*keyboard {
	slanted := []place{{-1, 0}, {0, -1}, {1, -1}, {1, 0}, {0, 1}, {-1, 1}}
	straight := []place{{-1, 0}, {-1, -1}, {0, -1}, {1, -1}, {1, 0}, {1, 1}, {0, 1}, {-1, 1}}
	return []*keyboard{
		readKeyboard(slanted, // QWERTY
			"`~ 1! 2@ 3# 4$ 5% 6^ 7& 8* 9( 0) -_ =+",
			" qQ wW eE rR tT yY uU iI oO pP [{ ]} \\|",
			" aA sS dD fF gG hH jJ kK lL ;: '\"",
			" zZ xX cC vV bB nN mM ,< .> /?"),
		readKeyboard(slanted, // AZERTY
			"² &1 é2 \"3 '4 (5 -6 è7 _8 ç9 à0 )° =+",
			" aA zZ eE rR tT yY uU iI oO pP ^¨ $£",
			" qQ sS dD fF gG hH jJ kK lL mM ù% *µ",
			"<> wW xX cC vV bB nN ,? ;. :/ !§"),
		readKeyboard(slanted, // QWERTZ
			"^° 1! 2\" 3§ 4$ 5% 6& 7/ 8( 9) 0= ß? ´`",
			" qQ wW eE rR tT zZ uU iI oO pP üÜ +*",
			" aA sS dD fF gG hH jJ kK lL öÖ äÄ #'",
			"<> yY xX cC vV bB nN mM ,; .: -_"),
		readKeyboard(slanted, // Dvorak
			"`~ 1! 2@ 3# 4$ 5% 6^ 7& 8* 9( 0) [{ ]}",
			" '\" ,< .> pP yY fF gG cC rR lL /? =+ \\|",
			" aA oO eE uU iI dD hH tT nN sS -_",
			" ;: qQ jJ kK xX bB mM wW vV zZ"),
		readKeyboard(straight, // the digits beside it
			" / * -",
			"7 8 9 +",
			"4 5 6",
			"1 2 3",
			" 0 ."),
	}
})

// readKeyboard reads rows of keys; a blank before a row is a place without a key.
func readKeyboard(around []place, rows ...string) *keyboard {
	k := &keyboard{keys: map[place][2]rune{}, at: map[rune]place{}, around: around}
	for y, row := range rows {
		for x, key := range strings.Split(row, " ") {
			if key == "" {
				continue
			}
			alone, size := utf8.DecodeRuneInString(key)
			shifted, _ := utf8.DecodeRuneInString(key[size:])
			k.keys[place{x, y}] = [2]rune{alone, shifted}
			k.at[alone] = place{x, y}
			if size < len(key) {
				k.at[shifted] = place{x, y}
			}
		}
	}
	neighbours := 0
	for at := range k.keys {
		for _, a := range around {
			if _, there := k.keys[place{at.x + a.x, at.y + a.y}]; there {
				neighbours++
			}
		}
	}
	k.degree = float64(neighbours) / float64(len(k.keys))
	return k
}

// direction is which neighbour of one character's key another's is; -1: none.
func (k *keyboard) direction(one, other rune) int {
	from, known := k.at[one]
	to, too := k.at[other]
	if known && too {
		for i, a := range k.around {
			if from.x+a.x == to.x && from.y+a.y == to.y {
				return i
			}
		}
	}
	return -1
}

// shifted says whether a character is written with shift.
func (k *keyboard) shifted(r rune) bool {
	at, known := k.at[r]
	return known && k.keys[at][1] == r
}

// keysIn finds three or more keys that lie beside one another.
func keysIn(text []rune) (found []pattern) {
	for _, k := range keyboards() {
		for from := 0; from < len(text); {
			to, turns, shifts, last := from+1, 0, 0, -1
			for ; to < len(text); to++ {
				direction := k.direction(text[to-1], text[to])
				if direction < 0 {
					break
				}
				if direction != last {
					turns, last = turns+1, direction
				}
				if k.shifted(text[to]) {
					shifts++
				}
			}
			if to-from > 2 {
				found = append(found, pattern{from, to, k.bits(to-from, turns, shifts)})
			}
			from = to
		}
	}
	return found
}

// bits is what it costs to guess a way over the keys: where it begins, where it turns and in which direction, and which keys were
// pressed with shift.
func (k *keyboard) bits(length, turns, shifts int) float64 {
	ways := 0.0
	for n := 2; n <= length; n++ {
		choose := 1.0
		for turn := 1; turn <= min(turns, n-1); turn++ {
			ways += choose * float64(len(k.at)) * math.Pow(k.degree, float64(turn))
			choose *= float64(n-1-turn) / float64(turn)
		}
	}
	return math.Log2(ways) + mixed(shifts, length-shifts)
}
