package results

import "time"

// Observation is everything that was seen of one cell. It is written to
// observation.json in the cell's folder and is all that the judge reads.
type Observation struct {
	Cell      string `json:"cell"`
	Scenario  string `json:"scenario"`
	Initiator Party  `json:"initiator"`
	Receiver  Party  `json:"receiver"`
	// Started is the zero of every offset in the record.
	Started time.Time `json:"started"`
	// Seconds is how long the cell took.
	Seconds float64 `json:"seconds"`
	// Ended names the event that ended the cell: "reply delivered", "error stanza",
	// "deadline".
	Ended string `json:"ended"`

	// Logins lists the attempts of a client to log in that its server failed. What
	// a server does to its users is not the question here, so a client tries again;
	// that it had to is not hidden.
	Logins []string `json:"logins,omitempty"`
	// Messages is the stimulus, one entry a message, with what became of it at the
	// clients: the first kind of evidence.
	Messages []Message `json:"messages"`
	// Streams is what the taps saw, one entry a TCP connection between the
	// servers, decrypted: the second kind of evidence.
	Streams []Stream `json:"streams"`
	// Facts is what the servers' own logs say of this cell's domains: the third.
	Facts []LogFact `json:"facts"`
	// Queries is what was asked of the DNS about this cell's domains.
	Queries []Query `json:"queries"`
	// Requests is what was asked, while the cell ran, about whether a certificate was
	// revoked: of this cell's certificates, or without saying of which.
	Requests []Request `json:"requests,omitempty"`

	// Notes is what a scripted peer was answered, in the words of package
	// suites/stage: what the peer itself saw, beside what was recorded on the wire.
	Notes []Note `json:"notes,omitempty"`
	// Stopped is why a script could not go on; what it noted before stands.
	Stopped string `json:"stopped,omitempty"`

	// Attack names what an attacker on the path between the two servers does, in
	// both directions; empty without one.
	Attack string `json:"attack,omitempty"`
	// Shown is the kind of certificate that an attacker who poses as either side
	// shows the other one; empty when the servers see each other's.
	Shown string `json:"shown,omitempty"`
	// Acts is what was done on the path between the two servers, by an attacker or
	// because the scenario has their connections end.
	Acts []Act `json:"acts,omitempty"`

	// Controls lists the ids of the cells that prove that this one's subjects were
	// alive and could federate when it ran.
	Controls []string `json:"controls,omitempty"`
	// Preflight lists what was found not to be as declared. Anything here
	// makes the cell a harness error.
	Preflight []string `json:"preflight,omitempty"`
	// Broken says that the harness itself failed, and how.
	Broken string `json:"broken,omitempty"`
	// Crashed names the side whose server ended while the cell ran.
	Crashed string `json:"crashed,omitempty"`
	// Gone names the side whose server had ended before the cell began.
	Gone string `json:"gone,omitempty"`
	// Unsupported is the driver's reason why this cell cannot be configured. Such
	// a cell has no stimulus and no streams.
	Unsupported string `json:"unsupported,omitempty"`
	// Skipped is the reason why a cell was not run by choice.
	Skipped string `json:"skipped,omitempty"`
}

// Act is something that somebody on the path did to a connection.
type Act struct {
	At float64 `json:"at"`
	// Direction is that of the connection: there or back.
	Direction string `json:"direction"`
	Text      string `json:"text"`
}

// Note is one answer that a script wrote down.
type Note struct {
	At    float64 `json:"at"`
	Name  string  `json:"name"`  // "the answer for a domain that is not hosted"
	Value string  `json:"value"` // "dialback error item-not-found"
}

// Party is one side of a cell as the plan made it. A scripted peer is one whose
// subject is called peer; it has no policy.
type Party struct {
	Subject string `json:"subject"` // "prosody@13"
	Domain  string `json:"domain"`
	// Policy is off, P0, P1 or P2.
	Policy string `json:"policy"`
	// KeepsDialback: under P2 the subject performs dialback on top of the
	// certificate, because it cannot do without.
	KeepsDialback bool `json:"keepsDialback,omitempty"`
	// Certificate is the kind of certificate the domain was given: good, self, ...
	Certificate string `json:"certificate"`
	// Fingerprint is the SHA-256 of that certificate's DER, in hexadecimal.
	Fingerprint string `json:"fingerprint"`
	// Tap is the address that the DNS gives for the domain.
	Tap string `json:"tap"`
	// Container is the name of the container that serves the domain.
	Container string `json:"container"`
}

// Message is one stanza of the stimulus, and what came of it.
type Message struct {
	// Direction is "there" (initiator to receiver) or "back".
	Direction string `json:"direction"`
	From      string `json:"from"`
	To        string `json:"to"`
	// Canary is the random token in its body, seen nowhere else.
	Canary string `json:"canary"`
	// Sent and the other offsets are seconds from Observation.Started.
	Sent float64 `json:"sent"`
	// Delivered counts the copies that reached the addressee.
	Delivered   int     `json:"delivered"`
	DeliveredAt float64 `json:"deliveredAt,omitempty"`
	// Order is the position at which it arrived among the messages of its
	// direction, from 1; 0 when it did not.
	Order int `json:"order,omitempty"`
	// Answered: the message is a query, and its sender was given the answer.
	Answered bool `json:"answered,omitempty"`
	// Query: it is an iq of type get, whose answer crosses the other way.
	Query bool `json:"query,omitempty"`
	// Error is the error stanza that its sender was given.
	Error   *StanzaError `json:"error,omitempty"`
	ErrorAt float64      `json:"errorAt,omitempty"`
}

// StanzaError is an error as RFC 6120 section 8.3 defines it.
type StanzaError struct {
	Condition string `json:"condition"`
	Type      string `json:"type"`
	Text      string `json:"text,omitempty"`
	From      string `json:"from,omitempty"`
}

// Direction on a stream: from the initiating entity or from the receiving
// entity (RFC 6120 section 1.4).
type Direction string

const (
	Initiating Direction = "initiating" // sent by the initiating entity
	Receiving  Direction = "receiving"  // sent by the receiving entity
)

// Stream is one TCP connection between two servers as its tap saw it.
type Stream struct {
	ID int `json:"id"`
	// Source and Target are IP address and port; Target is the tap's.
	Source string `json:"source"`
	Target string `json:"target"`
	// InitiatingParty and ReceivingParty say which side of the cell played which
	// role: "initiator" or "receiver"; empty when neither.
	InitiatingParty string `json:"initiatingParty"`
	ReceivingParty  string `json:"receivingParty"`
	// Opened and Closed are seconds from the cell's start. Closed is 0 while it
	// was open at the end of the cell.
	Opened float64 `json:"opened"`
	Closed float64 `json:"closed,omitempty"`

	// Headers lists every stream header in order.
	Headers []Header `json:"headers"`
	// Features lists every <stream:features/> in order.
	Features []Features `json:"features"`
	// StartTLS tells how far the STARTTLS negotiation came.
	StartTLS StartTLS `json:"starttls"`
	// DirectTLS: the first byte sent was a TLS record (XEP-0368).
	DirectTLS bool `json:"directTLS"`
	// TLS is nil when no ClientHello was seen.
	TLS *TLS `json:"tls,omitempty"`
	// SASL lists authentication attempts in order.
	SASL []SASL `json:"sasl,omitempty"`
	// Bidi lists every request of the initiating entity for a stream that carries
	// stanzas both ways (XEP-0288).
	Bidi []BidiRequest `json:"bidi,omitempty"`
	// Dialback lists every db:result and db:verify in order (XEP-0220).
	Dialback []Dialback `json:"dialback,omitempty"`
	// Stanzas lists every message, iq and presence in order.
	Stanzas []Stanza `json:"stanzas,omitempty"`
	// Errors lists every stream error (RFC 6120 section 4.9).
	Errors []StreamError `json:"errors,omitempty"`

	// ClearBytes counts bytes outside TLS each way; Inventory says what an
	// onlooker learns from them and from the handshake: "stream from: a.lab".
	ClearBytes map[Direction]int `json:"clearBytes"`
	Inventory  []string          `json:"inventory"`
	// Canaries tells where each of the cell's tokens was found.
	Canaries []Sighting `json:"canaries,omitempty"`

	// Decrypted: everything inside TLS was read. When false, Reason says why, and no
	// verdict may rest on what this stream carried.
	Decrypted bool   `json:"decrypted"`
	Reason    string `json:"reason,omitempty"`
	// KeySources names who reported the secrets: "initiator", "receiver".
	KeySources []string `json:"keySources,omitempty"`
	// Ends says how each direction of the TCP connection ended: open, fin, rst,
	// refused, error.
	Ends map[Direction]string `json:"ends"`
	// ClosedBy is the direction that first ended the stream, at whichever layer,
	// and ClosedHow how: "alert unknown_ca", "stream error not-authorized",
	// "</stream:stream>", "close_notify", "fin", "rst".
	ClosedBy  Direction `json:"closedBy,omitempty"`
	ClosedHow string    `json:"closedHow,omitempty"`
	// BrokeTLS is the direction that sent something which is no TLS record after a
	// complete handshake.
	BrokeTLS Direction `json:"brokeTLS,omitempty"`
	// Truncated: the tap stopped recording at its limit.
	Truncated bool `json:"truncated,omitempty"`
	// Malformed says what could not be read as XMPP, and where.
	Malformed []string `json:"malformed,omitempty"`
}

// Header is a stream header (RFC 6120 section 4.7).
type Header struct {
	Direction Direction `json:"direction"`
	At        float64   `json:"at"`
	Inside    bool      `json:"inside"` // inside TLS
	To        string    `json:"to,omitempty"`
	From      string    `json:"from,omitempty"`
	ID        string    `json:"id,omitempty"`
	Version   string    `json:"version,omitempty"`
	// Namespaces lists the prefixes declared, "db=jabber:server:dialback".
	Namespaces []string `json:"namespaces,omitempty"`
}

// Features is one offer of stream features.
type Features struct {
	At     float64 `json:"at"`
	Inside bool    `json:"inside"`
	// StartTLS is "", "offered" or "required".
	StartTLS   string   `json:"starttls,omitempty"`
	Mechanisms []string `json:"mechanisms,omitempty"`
	// Dialback is "", "offered" or "errors" (XEP-0220 section 2.4.2).
	Dialback string `json:"dialback,omitempty"`
	Bidi     bool   `json:"bidi,omitempty"`
	// Others lists the remaining features by "{namespace}name".
	Others []string `json:"others,omitempty"`
}

// StartTLS is the negotiation of RFC 6120 section 5.4.
type StartTLS struct {
	Asked     bool `json:"asked"`
	Proceeded bool `json:"proceeded"`
	Failed    bool `json:"failed"`
}

// TLS is what was negotiated on a stream.
type TLS struct {
	At float64 `json:"at"`
	// Complete: both Finished messages were seen.
	Complete bool `json:"complete"`
	// CompleteAt is when the second of them was, in seconds from the cell's start.
	CompleteAt float64  `json:"completeAt,omitempty"`
	Version    string   `json:"version,omitempty"` // "TLS 1.3"
	Suite      string   `json:"suite,omitempty"`
	Offered    []string `json:"offered,omitempty"` // versions in the ClientHello
	SNI        string   `json:"sni,omitempty"`
	ALPN       string   `json:"alpn,omitempty"`
	Resumed    bool     `json:"resumed,omitempty"`
	// ClientRandom identifies the connection in a key log.
	ClientRandom string `json:"clientRandom,omitempty"`
	// CertificateRequested: the receiving entity asked for a certificate.
	CertificateRequested bool `json:"certificateRequested"`
	// Certificates are the SHA-256 fingerprints of the chain that each direction
	// presented, leaf first.
	Certificates map[Direction][]string `json:"certificates,omitempty"`
	Alerts       []Alert                `json:"alerts,omitempty"`
}

// Alert is a TLS alert.
type Alert struct {
	Direction   Direction `json:"direction"`
	At          float64   `json:"at"`
	Fatal       bool      `json:"fatal"`
	Description string    `json:"description"`
}

// SASL is one authentication attempt on a stream.
type SASL struct {
	At        float64 `json:"at"`
	Inside    bool    `json:"inside"`
	Mechanism string  `json:"mechanism"`
	// Authzid is the decoded initial response; "=" is the empty string.
	Authzid string `json:"authzid,omitempty"`
	// Result is "success", "failure" or "" when none was seen.
	Result    string  `json:"result,omitempty"`
	ResultAt  float64 `json:"resultAt,omitempty"`
	Condition string  `json:"condition,omitempty"`
}

// BidiRequest is a request for a stream that carries stanzas both ways, to which
// there is no answer (XEP-0288 section 2.1).
type BidiRequest struct {
	At     float64 `json:"at"`
	Inside bool    `json:"inside"`
}

// Dialback is one element of XEP-0220.
type Dialback struct {
	Direction Direction `json:"direction"`
	At        float64   `json:"at"`
	Inside    bool      `json:"inside"`
	Name      string    `json:"name"` // result or verify
	From      string    `json:"from"`
	To        string    `json:"to"`
	ID        string    `json:"id,omitempty"`
	Type      string    `json:"type,omitempty"` // "", valid, invalid, error
	Condition string    `json:"condition,omitempty"`
	// Key tells that it carried a key.
	Key bool `json:"key,omitempty"`
}

// Stanza is one stanza seen on a stream.
type Stanza struct {
	Direction Direction `json:"direction"`
	At        float64   `json:"at"`
	Inside    bool      `json:"inside"`
	Name      string    `json:"name"` // message, iq, presence
	From      string    `json:"from"`
	To        string    `json:"to"`
	Type      string    `json:"type,omitempty"`
	Canary    string    `json:"canary,omitempty"`
	Condition string    `json:"condition,omitempty"`
}

// StreamError is a stream error.
type StreamError struct {
	Direction Direction `json:"direction"`
	At        float64   `json:"at"`
	Inside    bool      `json:"inside"`
	Condition string    `json:"condition"`
	Text      string    `json:"text,omitempty"`
}

// Sighting says that a canary was found in a stream's bytes.
type Sighting struct {
	Canary    string    `json:"canary"`
	Direction Direction `json:"direction"`
	Inside    bool      `json:"inside"`
}

// LogFact is what one line of a server's log says of the cell.
type LogFact struct {
	Party string  `json:"party"` // initiator or receiver
	At    float64 `json:"at"`
	// Direction is "out" for a stream that this server opened, "in" for one that it
	// accepted.
	Direction string `json:"direction"`
	Kind      string `json:"kind"` // authenticated, encrypted, refused, error
	Auth      Auth   `json:"auth,omitempty"`
	// Encrypted is nil when the line does not say.
	Encrypted *bool  `json:"encrypted,omitempty"`
	Line      string `json:"line"`
}

// Query is one question to the lab's DNS.
type Query struct {
	At     float64 `json:"at"`
	Party  string  `json:"party"` // who asked, when it was one of the two
	Name   string  `json:"name"`
	Type   string  `json:"type"`
	DO     bool    `json:"do"`
	Rcode  string  `json:"rcode"`
	Answer int     `json:"answer"`
}

// Request is one HTTP request for the lab's revocation list, or to its OCSP
// responder.
type Request struct {
	At     float64 `json:"at"`
	Party  string  `json:"party"` // who asked: initiator or receiver
	Method string  `json:"method"`
	URL    string  `json:"url"`
	Status int     `json:"status"` // of the response
	// Serial is the serial number, in hexadecimal, of the certificate that was asked
	// about; empty when the request names none.
	Serial string `json:"serial,omitempty"`
}
