package run

import (
	"crypto/sha1"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/xmpp-testday/testday/fixtures/engine"
)

// systemStore is the trust store of a container's operating system, where programs
// look that were given none: the file of Debian, and the folder of OpenSSL, in which
// certificates are found by a hash of their subject. It holds an authority of which a
// subject was not told. Stores in other formats, as that of Java, are not touched.
func systemStore(root *x509.Certificate) ([]engine.File, error) {
	hash, err := subjectHash(root.RawSubject)
	if err != nil {
		return nil, fmt.Errorf("trust store with %q: %w", root.Subject, err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})
	return []engine.File{
		{Path: "/etc/ssl/certs/ca-certificates.crt", Data: block},
		{Path: "/etc/ssl/certs/" + hash + ".0", Data: block},
	}, nil
}

// subjectHash is what openssl-x509(1) prints for -subject_hash: a digest of the name
// without the outermost header, and with its strings in UTF-8, lower case, and without
// superfluous space.
func subjectHash(name []byte) (string, error) {
	malformed := fmt.Errorf("malformed name %x", name)
	in := cryptobyte.String(name)
	var sets cryptobyte.String
	if !in.ReadASN1(&sets, asn1.SEQUENCE) || !in.Empty() {
		return "", malformed
	}
	out := cryptobyte.NewBuilder(nil)
	for !sets.Empty() {
		var attributes cryptobyte.String
		if !sets.ReadASN1(&attributes, asn1.SET) {
			return "", malformed
		}
		out.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
			for !attributes.Empty() {
				var attribute, oid, value cryptobyte.String
				var tag asn1.Tag
				if !attributes.ReadASN1(&attribute, asn1.SEQUENCE) || !attribute.ReadASN1Element(&oid, asn1.OBJECT_IDENTIFIER) ||
					!attribute.ReadAnyASN1(&value, &tag) {
					b.SetError(malformed)
					return
				}
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddBytes(oid)
					b.AddASN1(asn1.UTF8String, func(b *cryptobyte.Builder) {
						b.AddBytes([]byte(strings.Join(strings.Fields(strings.ToLower(string(value))), " ")))
					})
				})
			}
		})
	}
	canonical, err := out.Bytes()
	if err != nil {
		return "", err
	}
	sum := sha1.Sum(canonical)
	return fmt.Sprintf("%08x", binary.LittleEndian.Uint32(sum[:])), nil
}
