package weeks

import (
	"fmt"
	"strings"
	"time"
)

// price is what the carrier bills, in euros.
type price struct{ setup, minute float64 }

// bills are the carrier's prices: flat within France, retail prices of a business line elsewhere, and what numbers cost that
// fraudsters own a part of. The longest prefix counts.
var bills = map[string]price{
	"+33": {}, "+3381": {0, 0.06}, "+3382": {0, 0.20}, "+33890": {0, 0.15}, "+33891": {0, 0.25}, "+33892": {0, 0.35}, "+33893": {0, 0.60},
	"+33897": {0.60, 0}, "+33898": {0, 0.80}, "+33899": {3.00, 0},
	"3": {0, 0.40}, "30": {}, "31": {}, "10": {}, "118": {2.99, 2.99},
	"+32": {0, 0.08}, "+34": {0, 0.07}, "+39": {0, 0.08}, "+49": {0, 0.06}, "+44": {0, 0.07}, "+41": {0, 0.12}, "+31": {0, 0.08}, "+351": {0, 0.09},
	"+352": {0, 0.12}, "+353": {0, 0.09}, "+40": {0, 0.10}, "+48": {0, 0.08}, "+43": {0, 0.10}, "+45": {0, 0.08}, "+46": {0, 0.07},
	"+1": {0, 0.05}, "+212": {0, 0.45}, "+216": {0, 0.60}, "+213": {0, 0.55}, "+90": {0, 0.25}, "+91": {0, 0.12}, "+86": {0, 0.08}, "+81": {0, 0.15},
	"+55": {0, 0.25}, "+52": {0, 0.15}, "+971": {0, 0.35}, "+972": {0, 0.15}, "+27": {0, 0.25}, "+61": {0, 0.12}, "+221": {0, 0.65}, "+225": {0, 0.70},
	"+262": {0, 0.15}, "+590": {0, 0.15}, "+596": {0, 0.15},
	"+252": {0, 1.10}, "+53": {0, 0.95}, "+232": {0, 0.85}, "+960": {0, 1.30}, "+3717": {0, 0.95}, "+3719": {0, 1.60}, "+881": {0, 6.50}, "+870": {0, 5.80},
	"+882": {0, 4.90}, "+220": {0, 0.95}, "+224": {0, 0.90}, "+239": {0, 1.90}, "+269": {0, 1.20}, "+675": {0, 1.70}, "+685": {0, 1.60}, "+850": {0, 2.20},
	"+1876": {0, 0.55}, "+1473": {0, 0.50}, "+3725": {0, 0.45}, "+37270": {0, 1.10}, "+4470": {0, 1.20}, "+48703": {0, 1.50}, "+992": {0, 0.75},
}

// priceList is the carrier's price list as a spreadsheet writes it.
func priceList() string {
	var b strings.Builder
	b.WriteString("prefix;minute;setup\n")
	for prefix, p := range bills {
		if prefix[0] == '+' && prefix != "+33" { // short numbers are not in it, and France is flat
			fmt.Fprintf(&b, "%s;%.3f;%.2f\n", prefix, p.minute, p.setup)
		}
	}
	return b.String()
}

// bill is what the carrier asks for a call that was answered.
func bill(number string, talked time.Duration) float64 {
	for l := len(number); l > 0; l-- {
		if p, ok := bills[number[:l]]; ok {
			return p.setup + p.minute*talked.Minutes()
		}
	}
	if strings.HasPrefix(number, "+") {
		panic("no price for " + number) // of numbers that this package has invented itself
	}
	return 0
}
