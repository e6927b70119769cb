package ca

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"
)

const (
	// RevocationListURL is below what the certificates that are revoked say that their
	// issuer's revocation list is: each names an address of its own there, its serial
	// number in hexadecimal and ".crl". A subject may keep a list until its end, and
	// would not find in it what is issued later. The lab serves
	// [Authority.RevocationList] at all of them.
	RevocationListURL = "http://crl.lab/"

	// OCSPURL is where the certificates with a [Status] say that their issuer's OCSP
	// responder is. The lab serves [Authority.ServeOCSP] there.
	OCSPURL = "http://ocsp.lab/"
)

const (
	// statusAge is how long ago a list or an answer says that it was made: a subject's
	// clock may be behind.
	statusAge = time.Hour
	// statusLife is how long both may be believed.
	statusLife = 24 * time.Hour
	// maxOCSPRequest bounds a request. One for one certificate has some hundred bytes.
	maxOCSPRequest = 4 << 10
)

// Status is what the OCSP responder says of a certificate (RFC 6960, section 2.2).
type Status int

// The zero value is that of a certificate which names no responder.
const (
	NoStatus Status = iota
	StatusGood
	StatusRevoked
	StatusUnknown // as of a certificate that the issuer knows nothing of
)

// record remembers what the issuer will say of a certificate.
func (a *Authority) record(cert *x509.Certificate, leaf Leaf) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if leaf.Revoked {
		a.revoked = append(a.revoked, x509.RevocationListEntry{SerialNumber: cert.SerialNumber, RevocationTime: cert.NotBefore})
	}
	if leaf.OCSP != NoStatus {
		a.statuses[cert.SerialNumber.String()] = leaf.OCSP
	}
}

// RevocationList returns the list of the certificates that are revoked, as DER,
// signed by the intermediate which issued them (RFC 5280, section 5).
func (a *Authority) RevocationList() ([]byte, error) {
	a.mu.Lock()
	revoked := slices.Clone(a.revoked)
	a.mu.Unlock()
	now := a.now()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number:                    big.NewInt(int64(len(revoked)) + 1),
		ThisUpdate:                now.Add(-statusAge),
		NextUpdate:                now.Add(statusLife),
		RevokedCertificateEntries: revoked,
	}, a.trusted.intermediate.cert, a.trusted.intermediate.key)
	if err != nil {
		return nil, fmt.Errorf("revocation list of %s: %w", a.trusted.intermediate.cert.Subject.CommonName, err)
	}
	return der, nil
}

// ServeOCSP is the responder at [OCSPURL] (RFC 6960, appendix A). It answers what it
// cannot read, and what is asked of another issuer, with the errors of RFC 6960,
// section 2.3. Do not serve it through an [http.ServeMux]: that one redirects a GET
// request whose base64 has two slashes in a row.
func (a *Authority) ServeOCSP(w http.ResponseWriter, r *http.Request) {
	var request []byte
	var err error
	switch r.Method {
	case http.MethodGet:
		request, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(r.URL.Path, "/"))
	case http.MethodPost:
		request, err = io.ReadAll(io.LimitReader(r.Body, maxOCSPRequest+1))
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "OCSP requests are made by GET or POST", http.StatusMethodNotAllowed)
		return
	}
	response := ocsp.MalformedRequestErrorResponse
	if err == nil && len(request) <= maxOCSPRequest {
		response = a.answer(request)
	}
	w.Header().Set("Content-Type", "application/ocsp-response")
	_, _ = w.Write(response)
}

// answer returns the OCSP response to a request, both in DER.
func (a *Authority) answer(request []byte) []byte {
	asked, err := ocsp.ParseRequest(request)
	if err != nil {
		return ocsp.MalformedRequestErrorResponse
	}
	ours, err := a.isOurs(asked)
	if err != nil {
		return ocsp.InternalErrorErrorResponse
	}
	if !ours {
		return ocsp.UnauthorizedErrorResponse
	}
	response, err := a.status(asked.SerialNumber, asked.HashAlgorithm)
	if err != nil {
		return ocsp.InternalErrorErrorResponse
	}
	return response
}

// isOurs reports whether a request is about what the lab's intermediate issued.
func (a *Authority) isOurs(asked *ocsp.Request) (bool, error) {
	der, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: asked.SerialNumber}, a.trusted.intermediate.cert,
		&ocsp.RequestOptions{Hash: asked.HashAlgorithm})
	if err != nil {
		return false, err
	}
	ours, err := ocsp.ParseRequest(der)
	if err != nil {
		return false, err
	}
	return bytes.Equal(asked.IssuerNameHash, ours.IssuerNameHash) && bytes.Equal(asked.IssuerKeyHash, ours.IssuerKeyHash), nil
}

// status returns the OCSP response for a certificate of the lab's intermediate, which
// is identified by a hash of that kind.
func (a *Authority) status(serial *big.Int, hash crypto.Hash) ([]byte, error) {
	a.mu.Lock()
	status := a.statuses[serial.String()]
	a.mu.Unlock()
	now := a.now()
	response := ocsp.Response{
		SerialNumber: serial,
		IssuerHash:   hash,
		ThisUpdate:   now.Add(-statusAge),
		NextUpdate:   now.Add(statusLife),
	}
	switch status {
	case StatusGood:
		response.Status = ocsp.Good
	case StatusRevoked:
		response.Status, response.RevokedAt = ocsp.Revoked, response.ThisUpdate
	default:
		response.Status = ocsp.Unknown
	}
	issuer := a.trusted.intermediate
	der, err := ocsp.CreateResponse(issuer.cert, issuer.cert, response, issuer.key)
	if err != nil {
		return nil, fmt.Errorf("OCSP response for %v: %w", serial, err)
	}
	return der, nil
}
