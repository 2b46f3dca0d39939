package api

import (
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Bodies are small: a policy is a few pages of text (1 MiB at most; as JSON it grows), everything else a few words.
const (
	maxBody   = 16 << 10
	maxPolicy = 2 << 20
	// maxBlockList holds what access reads at most, as JSON.
	maxBlockList = 9 << 20
	bodyTime     = 10 * time.Second
)

// register adds every operation to a.
func (s *Server) register(a huma.API) {
	schemas := a.OpenAPI().Components.Schemas
	schemas.Schema(reflect.TypeFor[Problem](), true, "")
	schemas.Schema(reflect.TypeFor[Overview](), true, "")
	const get, post = http.MethodGet, http.MethodPost

	huma.Register(a, operation(get, "/session", "get-session", "Say whether this browser is logged in", anybody), s.getSession)
	huma.Register(a, operation(post, "/session", "log-in", "Log in", anybody), s.logIn)
	huma.Register(a, operation(http.MethodDelete, "/session", "log-out", "Log out", loggedIn), s.logOut)
	huma.Register(a, operation(post, "/password", "change-password", "Replace the administrator's password", loggedIn), s.changePassword)
	huma.Register(a, operation(post, "/password/reset", "reset-password", "Make a new first password (unix socket only)", localOnly), s.resetPassword)

	huma.Register(a, operation(get, "/overview", "get-overview", "Everything the dashboard shows", administrator), s.getOverview)
	huma.Register(a, operation(get, "/calls/ended", "get-ended-calls", "The latest calls that are over, newest first", administrator), s.getEndedCalls)
	huma.Register(a, answers(operation(get, "/events", "stream-events", "The overview, and again whenever it changed, at most once a second", administrator), "text/event-stream", eventSchema), s.streamEvents)

	huma.Register(a, answers(operation(get, "/policy", "export-policy", "The confirmed policy with its secrets masked", administrator), "application/yaml", textSchema), s.exportPolicy)
	huma.Register(a, upTo(maxPolicy, operation(post, "/policy", "import-policy", "Check a policy and put it into force", administrator)), s.importPolicy)
	huma.Register(a, operation(post, "/policy/confirm", "confirm-policy", "Keep the revision on trial", administrator), s.confirmPolicy)

	huma.Register(a, upTo(maxPolicy, operation(post, "/policy/rehearse", "rehearse-policy", "Replay the calls of the last days under a policy, without putting it into force", administrator)), s.rehearse)
	huma.Register(a, operation(post, "/calls/try", "try-call", "Tell what would become of a call", administrator), s.try)

	huma.Register(a, operation(get, "/filter", "get-filter", "The rules of the packet filter", administrator), s.getFilter)
	huma.Register(a, operation(get, "/filter/drops", "list-drops", "Why packets were dropped, the latest first", administrator), s.getDrops)
	huma.Register(a, operation(get, "/blocklist", "get-block-list", "Sources that reach nothing", administrator), s.getBlockList)
	huma.Register(a, upTo(maxBlockList, operation(post, "/blocklist", "set-block-list", "Bring another block list", administrator)), s.block)
	huma.Register(a, operation(get, "/stick", "get-stick", "What became of the latest USB stick", administrator), s.getStick)
	huma.Register(a, operation(post, "/stick", "decide-stick", "Take or refuse the USB stick that waits", administrator), s.decideStick)
	huma.Register(a, operation(post, "/stick/export", "export-to-stick", "Write a backup, the latest calls, the log or evidence onto the USB stick", administrator), s.exportToStick)
	huma.Register(a, operation(get, "/bans", "list-bans", "Who is banned, the latest first", administrator), s.getBans)
	huma.Register(a, operation(post, "/bans", "ban", "Keep a source away", administrator), s.ban)
	huma.Register(a, operation(post, "/bans/lift", "lift-ban", "End a ban", administrator), s.liftBan)
	huma.Register(a, operation(get, "/credentials", "list-credentials", "How old the passwords of peers are", administrator), s.getCredentials)
	huma.Register(a, operation(post, "/credentials/rotate", "rotate-credential", "Begin to replace a password", administrator), s.rotate)
	huma.Register(a, operation(post, "/credentials/cancel", "cancel-rotation", "Call the replacement of a password off", administrator), s.cancelRotation)

	huma.Register(a, operation(get, "/fraud", "get-fraud", "What is blocked against fraud, and what was found out", administrator), s.getFraud)
	huma.Register(a, operation(post, "/fraud/release", "release-block", "Release a caller, a prefix or a trunk", administrator), s.release)
	huma.Register(a, operation(get, "/rates", "get-rates", "The customer's own prices of calls", administrator), s.getRates)
	huma.Register(a, upTo(maxBlockList, operation(post, "/rates", "set-rates", "Bring other prices of calls", administrator)), s.setRates)

	huma.Register(a, operation(post, "/emergencies/acknowledge", "acknowledge-emergency", "Say that an emergency was seen", administrator), s.acknowledge)

	huma.Register(a, answers(operation(get, "/evidence.zip", "get-evidence", "A signed zip about a call or a fraud, for the carrier or the police", administrator), "application/zip", bytesSchema), s.getEvidence)

	huma.Register(a, operation(get, "/system", "get-system", "What system the machine runs", administrator), s.getSystem)
	huma.Register(a, takesFile(operation(post, "/update", "update", "Bring another system, which the next start tries", administrator)), s.update)
	huma.Register(a, operation(post, "/restart", "restart", "Restart the machine; calls end", administrator), s.restart)

	huma.Register(a, operation(get, "/hardware", "get-hardware", "The machine, and how the program has ended before its time", administrator), s.getHardware)
	huma.Register(a, operation(post, "/crashes/dismiss", "dismiss-crashes", "Say that every end of the program was seen", administrator), s.dismissCrashes)

	huma.Register(a, operation(get, "/authority", "get-authority", "The certificate of the box's own CA", anybody), s.getAuthority)
	huma.Register(a, answers(operation(get, "/authority.pem", "download-authority", "The certificate of the box's own CA as a file", anybody), "application/x-pem-file", textSchema), s.getAuthorityFile)
	huma.Register(a, answers(operation(get, "/openapi.json", "get-openapi", "This document", administrator), "application/json", anySchema), s.getDocument)
}

// operation describes one operation; w says who may use it.
func operation(method, path, id, summary string, w who) huma.Operation {
	status := http.StatusOK
	if method == http.MethodDelete {
		status = http.StatusNoContent
	}
	op := huma.Operation{
		OperationID:     id,
		Method:          method,
		Path:            "/api/v1" + path,
		Summary:         summary,
		DefaultStatus:   status,
		MaxBodyBytes:    maxBody,
		BodyReadTimeout: bodyTime,
		Metadata:        map[string]any{whoKey: w},
		Responses: map[string]*huma.Response{
			strconv.Itoa(status): {Description: http.StatusText(status)},
			"default": {
				Description: "The request was not served.",
				Content: map[string]*huma.MediaType{
					"application/problem+json": {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}},
				},
			},
		},
	}
	if w == anybody {
		op.Security = []map[string][]string{{}}
	}
	return op
}

// answers says that op answers with something else than a JSON value of ours.
func answers(op huma.Operation, contentType string, schema func() *huma.Schema) huma.Operation {
	op.Responses["200"].Content = map[string]*huma.MediaType{contentType: {Schema: schema()}}
	return op
}

// upTo sets how many bytes a request body may have.
func upTo(n int64, op huma.Operation) huma.Operation {
	op.MaxBodyBytes = n
	return op
}

func textSchema() *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

func anySchema() *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// eventSchema describes one event of the stream. The event's name is "overview", its data one Overview as JSON.
func eventSchema() *huma.Schema {
	return &huma.Schema{
		Type:        huma.TypeObject,
		Description: "Server-sent events named overview; the data of each is an Overview. A comment line every 15 s keeps the connection alive.",
		Properties: map[string]*huma.Schema{
			"event": {Type: huma.TypeString, Enum: []any{"overview"}},
			"data":  {Ref: "#/components/schemas/Overview"},
		},
		Required: []string{"event", "data"},
	}
}
