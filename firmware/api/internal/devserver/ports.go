package main

import (
	"time"

	"tollgate/firmware/api"
)

// ports are those of a branch whose router lends the box an address.
func ports(now time.Time) []api.Port {
	until := now.Add(47 * time.Minute)
	return []api.Port{
		{Side: "inside", Interface: "end0", Address: "192.0.2.10/24", By: "policy", Confirmed: true},
		{Side: "outside", Interface: "enx020000000010", Address: "198.51.100.10/24", By: "dhcp", Confirmed: true, Until: &until},
	}
}
