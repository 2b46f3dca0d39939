package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// hashPatience is how long a log-in waits for others to be checked.
const hashPatience = 10 * time.Second

type (
	noInput       struct{}
	sessionOutput struct{ Body Session }
	cookieOutput  struct {
		SetCookie http.Cookie `header:"Set-Cookie"`
	}
	sessionCookieOutput struct {
		SetCookie http.Cookie `header:"Set-Cookie"`
		Body      Session
	}
)

func (s *Server) getSession(ctx context.Context, _ *noInput) (*sessionOutput, error) {
	v := visitorOf(ctx)
	if v.local {
		return &sessionOutput{Body: Session{LoggedIn: true, User: v.name}}, nil
	}
	return &sessionOutput{Body: described(v.session)}, nil
}

func (s *Server) logIn(ctx context.Context, in *struct{ Body LoginRequest }) (*sessionCookieOutput, error) {
	v := visitorOf(ctx)
	if v.local {
		return nil, noLoginHere()
	}
	mustChange, err := s.prove(ctx, v, in.Body.User, in.Body.Password)
	if err != nil {
		return nil, err
	}
	if mustChange && !s.claimable() {
		return nil, newProblem(ClaimOver, "The first password counts only for a while after power-on or a press of the button, and that is over.", "Switch the box off and on or press its button, then log in within 30 minutes.")
	}
	// Whatever session the browser brought ends here.
	s.sessions.close(v.session.key)
	s.log.Info("logged in", "user", in.Body.User, "source", v.addr)
	return s.openSession(in.Body.User, mustChange)
}

func (s *Server) logOut(ctx context.Context, _ *noInput) (*cookieOutput, error) {
	v := visitorOf(ctx)
	s.sessions.close(v.session.key)
	s.log.Info("logged out", "who", v.name)
	return &cookieOutput{SetCookie: cookie("")}, nil
}

func (s *Server) changePassword(ctx context.Context, in *struct{ Body PasswordRequest }) (*sessionCookieOutput, error) {
	v := visitorOf(ctx)
	if v.local {
		return nil, noLoginHere()
	}
	if _, err := s.prove(ctx, v, v.session.user, in.Body.Current); err != nil {
		return nil, err
	}
	patient, cancel := context.WithTimeout(ctx, hashPatience)
	defer cancel()
	if err := s.keyring.change(patient, in.Body.New); err != nil {
		return nil, s.accountProblem(err)
	}
	// Whoever else came in with the old password goes.
	s.sessions.closeAll()
	s.log.Info("password changed", "who", v.name)
	return s.openSession(v.session.user, false)
}

func (s *Server) resetPassword(ctx context.Context, _ *noInput) (*struct{ Body NewPassword }, error) {
	password, err := s.keyring.reset(ctx)
	if err != nil {
		return nil, s.accountProblem(err)
	}
	s.sessions.closeAll()
	s.log.Warn("a new first password was made", "who", visitorOf(ctx).name)
	return &struct{ Body NewPassword }{NewPassword{User: adminUser, Password: password}}, nil
}

// prove checks a password, slows down who guesses and returns whether the password must be changed.
func (s *Server) prove(ctx context.Context, v visitor, user, password string) (mustChange bool, err error) {
	if wait := s.backoff.begin(v.addr); wait > 0 {
		return false, tooManyAttempts(wait)
	}
	patient, cancel := context.WithTimeout(ctx, hashPatience)
	defer cancel()
	ok, mustChange, err := s.keyring.verify(patient, user, password)
	if err != nil {
		return false, s.accountProblem(err)
	}
	if !ok {
		s.log.Warn("wrong user or password", "source", v.addr)
		return false, newProblem(WrongPassword, "The user or the password is wrong.", "Forgotten? \"tollgate password\" on the box's console makes a new first password.")
	}
	s.backoff.succeed(v.addr)
	return mustChange, nil
}

func (s *Server) openSession(user string, mustChange bool) (*sessionCookieOutput, error) {
	token, opened, err := s.sessions.open(user, mustChange)
	if err != nil {
		return nil, s.accountProblem(err)
	}
	return &sessionCookieOutput{SetCookie: cookie(token), Body: described(opened)}, nil
}

// described is what a browser may know of its session.
func described(s session) Session {
	if s.user == "" {
		return Session{IdleSeconds: int(sessionIdle.Seconds())}
	}
	ends := s.ends()
	return Session{LoggedIn: true, User: s.user, MustChangePassword: s.mustChange, IdleSeconds: int(sessionIdle.Seconds()), Expires: &ends}
}

func tooManyAttempts(wait time.Duration) error {
	seconds := int((wait + time.Second - 1) / time.Second)
	p := newProblem(TooManyAttempts, "Too many wrong passwords came from your address.", fmt.Sprintf("Wait %d s, then try again. The box's console is not locked.", seconds))
	return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {strconv.Itoa(seconds)}})
}

func noLoginHere() *Problem {
	return newProblem(NotNow, "The unix socket needs no log-in.", "\"tollgate password\" makes a new first password for the page.")
}

// accountProblem turns an error of the keyring into an answer; what the box knows more goes to the log.
func (s *Server) accountProblem(err error) error {
	if p := (*Problem)(nil); errors.As(err, &p) {
		return p
	}
	if errors.Is(err, errBusy) {
		return newProblem(Busy, "The box is checking other passwords.", "Try again in a few seconds.")
	}
	s.log.Error("the administrator's account failed", "error", err)
	return newProblem(Failed, "The box could not use the administrator's account.", "Look at the log of the box; \"tollgate password\" on its console makes the account anew.")
}
