// Package weeks invents the telephone calls of ordinary offices, week by week, and of twelve kinds of fraudsters among them, and
// puts them through the box's own admission and judgement of fraud by a clock of its own. It reckons what the carrier would
// bill, by a price list that the box does not know.
//
//	office   who works there, when, whom they call, how calls end; a campaign of cold calls in two of the weeks
//	attack   twelve patterns; an attacker goes on as long as anything of his gets through, and changes numbers when it does not
//	bill     the carrier's prices
//	play     events in order of time -> admission.Gate -> fraud.Watch, whose cuts end calls a moment later
//
// What an office does is not taken from the box's thresholds: rates of calls, lengths, and shares of what is busy or not
// answered are what call records of offices show (lengths are log-normal around two minutes, one call in three finds nobody).
// An administrator is there in office hours: he releases what a false alarm has blocked half an hour later. Against an attack
// nobody does anything.
package weeks
