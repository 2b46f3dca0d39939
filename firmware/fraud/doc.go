// Package fraud judges calls out of the office by what they cost and how they add up, the way somebody would who watched
// the carrier's bill grow and had the right to pull the plug.
//
//	prices    what a call costs at worst: the customer's own rates (CSV), the French ceilings, a zone for every country
//	ledger    money of each caller, prefix, country, trunk, night and day; running calls are priced while they run
//	levels    five counters of each caller and prefix, with other levels by day, at night and at weekends
//	baseline  what is usual at each hour of the week, learned here; what is not is said in words
//	blocks    what was found out stays in force until somebody releases it, also after a restart
//
// A call is asked about (Refuse), counted (Begin), put on a trunk (Carry), answered (Answer) or declined (Decline), and over
// (End). Next says when the money of running calls is gone at the earliest, and Due which calls end then. Watched are
// surcharged calls and those to other countries; a call that costs nothing and is not watched is only counted in the baseline.
//
// It never judges an emergency call; nobody asks it about one. It leaves to others: admission, ending calls (call), keeping
// the State (store) and telling people (event, api).
package fraud
