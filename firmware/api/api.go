// Package api is the face of the box: a JSON API described by OpenAPI, the log-in before it, the event stream and the
// files of the page, over HTTPS for the office and over a unix socket for the command line of the same machine.
//
// A request passes these stages, and each may end it with a problem document (RFC 9457):
//
//	HTTPS  source listed? -> Host ours? -> same site? -> session -> first password changed? -> operation -> Box
//	socket root or our own user? ---------------------------------------------------------> operation -> Box
//
// Passwords are kept as argon2id hashes, sessions in memory only. No response and no log line holds a secret.
//
// It leaves to others what the operations do (Box, assembled in main), the look of the page (webui), the certificate
// (certs) and the packet filter in front of it (netfilter).
package api
