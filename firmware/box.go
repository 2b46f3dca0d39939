package main

import (
	"log/slog"
	"sync/atomic"
	"time"

	"tollgate/board/dhcpserver"
	"tollgate/board/link"
	"tollgate/board/mdns"
	"tollgate/board/usb"
	"tollgate/firmware/access"
	"tollgate/firmware/admission"
	"tollgate/firmware/api"
	"tollgate/firmware/apply"
	"tollgate/firmware/call"
	"tollgate/firmware/certs"
	"tollgate/firmware/cli"
	"tollgate/firmware/delivery"
	"tollgate/firmware/edge"
	"tollgate/firmware/envelope"
	"tollgate/firmware/event"
	"tollgate/firmware/live"
	"tollgate/firmware/media"
	"tollgate/firmware/notice"
	"tollgate/firmware/phones"
	"tollgate/firmware/pull"
	"tollgate/firmware/registrar"
	"tollgate/firmware/resolve"
	"tollgate/firmware/stick"
	"tollgate/firmware/store"
	"tollgate/firmware/trunk"
	"tollgate/firmware/ua"
	"tollgate/netfilter"
)

// box is everything that runs. The order of its fields is the order in which it is put together.
type box struct {
	log      *slog.Logger
	said     *lines // where the log goes
	options  cli.RunOptions
	seed     []byte // the policy that fills an empty store
	read     readOnce
	shutting *shutting
	opening  *opening
	started  time.Time

	facts       *event.Hub
	refusals    refusals
	emergencies emergencies
	store       *store.Store
	live        *live.Folder // nil: running calls are not kept
	taken       bool         // the calls of the process before have been taken up
	authority   *certs.Authority
	filter      *netfilter.Filter
	blockList   *blockList
	forwarder   link.Forwarder
	drops       drops
	relay       *media.Relay
	access      *access.Gate
	bans        *bans
	rotations   *rotations
	gate        *admission.Gate
	callBacks   *callBacks
	frauds      *frauds
	ended       *ended
	past        *pastCalls
	loads       *loads
	edge        *edge.Edge
	core        *ua.Core
	registrar   *registrar.Registrar
	phones      *phones.Phones
	resolver    *resolve.Resolver
	trunks      *trunk.Trunks
	parties     *parties
	desk        *call.Desk
	notices     *notice.Desk
	sources     *sources
	network     network
	responder   mdns.Responder
	lender      dhcpserver.Server
	time        timekeeper
	config      *apply.Box
	systems     *systems // nil: this machine's system is not the box's own
	server      *api.Server
	taker       *delivery.Taker
	puller      *pull.Puller
	sticks      *stick.Desk
	hardware    hardware
	presence    presence
	window      window
	passwords   usb.Reader // writes the first password onto a stick
	// passwordStick is when the stick was plugged in that has the first password, in Unix nanoseconds.
	passwordStick atomic.Int64
	key           envelope.Identity // opens what is sealed for this box
	password      string            // the first one, until the box is claimed
}
