package ca

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
)

// Certificate is a leaf with its key, and the chain that is sent with it.
type Certificate struct {
	chain  [][]byte
	leaf   *x509.Certificate
	key    crypto.Signer
	pkcs8  []byte
	staple []byte
}

func newCertificate(chain [][]byte, key crypto.Signer) (*Certificate, error) {
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &Certificate{chain: chain, leaf: leaf, key: key, pkcs8: pkcs8}, nil
}

// Chain returns the certificates in DER as they are sent, leaf first, without the
// root. It is shared: do not change it.
func (c *Certificate) Chain() [][]byte { return c.chain }

// Leaf returns the parsed end-entity certificate. It is shared: do not change it.
func (c *Certificate) Leaf() *x509.Certificate { return c.leaf }

// Key returns the private key of the leaf.
func (c *Certificate) Key() crypto.Signer { return c.key }

// PEM returns the chain as it is sent, leaf first.
func (c *Certificate) PEM() []byte {
	var out bytes.Buffer
	for _, der := range c.chain {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return out.Bytes()
}

// KeyPEM returns the private key in PKCS #8 (RFC 5958).
func (c *Certificate) KeyPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: c.pkcs8})
}

// TLS returns the certificate in the form that crypto/tls presents, with the OCSP
// response to staple if there is one.
func (c *Certificate) TLS() tls.Certificate {
	return tls.Certificate{Certificate: c.chain, PrivateKey: c.key, Leaf: c.leaf, OCSPStaple: c.staple}
}

// Fingerprint returns the SHA-256 digest of the leaf in lower-case hexadecimal, which
// is also the data of a TLSA record "3 0 1" (RFC 6698, section 2.1).
func (c *Certificate) Fingerprint() string {
	sum := sha256.Sum256(c.leaf.Raw)
	return hex.EncodeToString(sum[:])
}

// String names the certificate in a transcript.
func (c *Certificate) String() string {
	subject := c.leaf.Subject.String()
	if subject == "" {
		subject = fmt.Sprintf("no subject but %q", c.leaf.DNSNames)
	}
	return fmt.Sprintf("%s, issued by %s, valid %s to %s", subject, c.leaf.Issuer,
		c.leaf.NotBefore.UTC().Format("2006-01-02 15:04:05"), c.leaf.NotAfter.UTC().Format("2006-01-02 15:04:05"))
}
