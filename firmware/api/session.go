package api

import "time"

// LoginRequest opens a session.
type LoginRequest struct {
	User     string `json:"user" doc:"admin"`
	Password string `json:"password"`
}

// PasswordRequest replaces the administrator's password.
type PasswordRequest struct {
	Current string `json:"current"`
	New     string `json:"new" doc:"At least 16 characters and not the first password."`
}

// Session is what a browser may know about its own session.
type Session struct {
	LoggedIn           bool       `json:"logged_in"`
	User               string     `json:"user" doc:"Empty without a session."`
	MustChangePassword bool       `json:"must_change_password" doc:"True until the first password is replaced; until then everything else is refused."`
	IdleSeconds        int        `json:"idle_seconds" doc:"The session ends after this long without a request. The event stream does not count as one."`
	Expires            *time.Time `json:"expires,omitempty" doc:"The session ends then in any case."`
}

// NewPassword is a first password made on demand.
type NewPassword struct {
	User     string `json:"user"`
	Password string `json:"password" doc:"Shown this once. It must be changed at the next log-in."`
}
