package doctor

import "strings"

// Language is one that the box speaks.
type Language string

// The languages.
const (
	English Language = "en"
	French  Language = "fr"
)

// Languages lists them.
func Languages() []Language { return []Language{English, French} }

// saying is what a rule says: what is, and what to do.
type saying struct{ what, remedy string }

// sayings by language and rule.
var sayings = map[Language]map[string]saying{
	English: {
		"wrong key": {"{peer} sends encrypted audio that does not fit the key it has given, so that nothing is let through.",
			"Have {peer} checked: after a re-INVITE or a transfer it goes on with an old key. Hang up and call again; if that does not help, allow one suite alone in its suites."},
		"no handshake": {"The DTLS handshake with {peer} does not come to an end, so that there are no keys for the audio.",
			"Let UDP {ports} pass in both directions between the box and {peer}, or use keying: sdes."},
		"other port": {"{peer} sends its audio from {other}, but from another port than before, which the policy does not let in.",
			"Set media_latching of {peer} to dynamic-strict, if a router stands before it."},
		"other address": {"{peer} has said that it is at {address}, but audio comes from {other}, which is not let in.",
			"If {other} belongs to {peer}, add it to its media_sources."},
		"filter forbids": {"What {peer} is sent is turned back by a filter at {other}.",
			"Let UDP to {address} pass there."},
		"port closed": {"{peer} wants audio at {address}, but nobody listens there: {other} says that the port is closed.",
			"Have {peer} checked: it has ended the call, or it is somewhere else by now."},
		"wrong payload type": {"{peer} sends audio of payload type {number}, but {known} were agreed on.",
			"Have the codecs of {peer} checked; offer it fewer of them."},
		"private address": {"{peer} wants audio at {address}, which is an address of a private network that cannot be reached from here.",
			"A router stands before {peer}: switch on what makes it find its own address (NAT traversal), or add where its audio comes from to media_sources."},
		"changed by a router": {"Nothing arrives from {peer}, and a router on the way changes SIP messages (SIP ALG): {peer} may have been told a wrong address for audio.",
			"Switch off SIP ALG in the router, or use transport: tls."},
		"both silent": {"Neither {peer} nor {other} sends audio: each may be waiting to hear the other first.",
			"Have both checked for silence suppression and for a microphone that is off."},
		"never came, router": {"{peer} was told to send to {box}, but nothing arrives: its firewall or your router drops UDP {ports}.",
			"Let UDP {ports} pass in the router, to the box. If {peer} sends from elsewhere than {address}, add that to its media_sources."},
		"never came": {"{peer} was told to send to {box}, but nothing arrives: a firewall on the way drops UDP {ports}.",
			"Let UDP {ports} pass from {peer} to the box. If it sends from elsewhere than {address}, add that to its media_sources."},
		"stopped": {"{peer} sent audio, and has sent none for {seconds} s: its network is down, or a router has forgotten the way.",
			"Hang up and call again. If it happens after a fixed time in every call, a router or firewall on the way forgets UDP too early."},
		"does not arrive": {"{peer} says that {number} % of what it is sent does not arrive.",
			"Let UDP pass from the box to {address}, and see whether the line is full."},
	},
	French: {
		"wrong key": {"{peer} envoie du son chiffré qui ne correspond pas à la clé qu’il a donnée ; rien n’est donc transmis.",
			"Faites vérifier {peer} : après un re-INVITE ou un transfert, il continue avec une ancienne clé. Raccrochez et rappelez ; sinon, n’autorisez qu’une seule suite dans suites."},
		"no handshake": {"La négociation DTLS avec {peer} n’aboutit pas ; il n’y a donc pas de clés pour le son.",
			"Laissez passer UDP {ports} dans les deux sens entre le boîtier et {peer}, ou utilisez keying: sdes."},
		"other port": {"{peer} envoie son son depuis {other}, mais d’un autre port qu’avant, que les règles n’acceptent pas.",
			"Réglez media_latching de {peer} sur dynamic-strict s’il est derrière un routeur."},
		"other address": {"{peer} a dit être à {address}, mais le son vient de {other}, qui n’est pas accepté.",
			"Si {other} appartient à {peer}, ajoutez-le à media_sources."},
		"filter forbids": {"Ce qui est envoyé à {peer} est refoulé par un filtre à {other}.",
			"Laissez-y passer UDP vers {address}."},
		"port closed": {"{peer} veut le son à {address}, mais personne n’y écoute : {other} répond que le port est fermé.",
			"Faites vérifier {peer} : il a terminé l’appel, ou il se trouve ailleurs."},
		"wrong payload type": {"{peer} envoie du son de type {number}, alors que {known} ont été convenus.",
			"Faites vérifier les codecs de {peer} ; proposez-lui-en moins."},
		"private address": {"{peer} veut le son à {address}, une adresse de réseau privé que l’on ne peut pas joindre d’ici.",
			"{peer} est derrière un routeur : activez-y la découverte de sa propre adresse (NAT), ou ajoutez l’origine de son son à media_sources."},
		"changed by a router": {"Rien n’arrive de {peer}, et un routeur modifie les messages SIP en chemin (SIP ALG) : {peer} a peut-être reçu une fausse adresse pour le son.",
			"Désactivez SIP ALG dans le routeur, ou utilisez transport: tls."},
		"both silent": {"Ni {peer} ni {other} n’envoie de son : chacun attend peut-être d’entendre l’autre.",
			"Faites vérifier chez les deux la suppression des silences et le micro."},
		"never came, router": {"{peer} doit envoyer à {box}, mais rien n’arrive : son pare-feu ou votre routeur bloque UDP {ports}.",
			"Laissez passer UDP {ports} dans le routeur, vers le boîtier. Si {peer} envoie d’ailleurs que de {address}, ajoutez cette adresse à media_sources."},
		"never came": {"{peer} doit envoyer à {box}, mais rien n’arrive : un pare-feu en chemin bloque UDP {ports}.",
			"Laissez passer UDP {ports} de {peer} vers le boîtier. S’il envoie d’ailleurs que de {address}, ajoutez cette adresse à media_sources."},
		"stopped": {"{peer} envoyait du son, et n’en envoie plus depuis {seconds} s : son réseau est coupé, ou un routeur a oublié le chemin.",
			"Raccrochez et rappelez. Si cela arrive toujours après la même durée, un routeur ou un pare-feu en chemin oublie UDP trop tôt."},
		"does not arrive": {"{peer} dit que {number} % de ce qui lui est envoyé n’arrive pas.",
			"Laissez passer UDP du boîtier vers {address}, et vérifiez que la ligne n’est pas saturée."},
	},
}

// Sentence says what is.
func (f Finding) Sentence(l Language) string { return f.fill(sayings[l][f.Rule].what) }

// Advice says what to do.
func (f Finding) Advice(l Language) string { return f.fill(sayings[l][f.Rule].remedy) }

// fill puts the values into their places.
func (f Finding) fill(sentence string) string {
	for i, p := range placeholders {
		sentence = strings.ReplaceAll(sentence, p, f.values[i])
	}
	return sentence
}
