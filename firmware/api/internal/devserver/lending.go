package main

import (
	"fmt"
	"time"

	"tollgate/firmware/api"
)

// lending is the DHCP server of a branch with four telephones, one of which calls itself by something hostile. full: the last address
// is lent too.
func lending(now time.Time, full bool) *api.Lending {
	l := &api.Lending{
		Interface: "end0", Lends: true, First: "192.0.2.100", Last: "192.0.2.119", Size: 20, Free: 17,
		Leases: []api.Lent{
			{Address: "192.0.2.30", Hardware: "02:00:00:00:00:af", Name: "door", Until: now.Add(11 * time.Hour), Reserved: true},
			{Address: "192.0.2.100", Hardware: "02:00:00:00:00:01", Name: "reception", Until: now.Add(7 * time.Hour)},
			{Address: "192.0.2.101", Hardware: "02:00:00:00:00:02", Until: now.Add(9 * time.Hour)},
			{Address: "192.0.2.102", Hardware: "02:00:00:00:00:03", Name: "<b>meeting\u202eroom</b>", Until: now.Add(40 * time.Minute)},
		},
		Aside: []api.Aside{},
	}
	if !full {
		return l
	}
	for i := len(l.Leases) - 1; i < l.Size; i++ {
		l.Leases = append(l.Leases, api.Lent{Address: fmt.Sprintf("192.0.2.%d", 100+i), Hardware: fmt.Sprintf("02:00:00:00:01:%02x", i), Until: now.Add(time.Hour)})
	}
	l.Free = 0
	return l
}
