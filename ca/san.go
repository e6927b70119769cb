package ca

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cryptoasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/net/idna"
)

var (
	oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidXMPPAddr       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 5} // id-on-xmppAddr, RFC 6120 section 13.7.1.4
	oidDNSSRV         = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 7} // id-on-dnsSRV, RFC 4985 section 2
)

// Tags of a GeneralName (RFC 5280, section 4.2.1.6). The value within an otherName has
// the tag of the otherName too.
var (
	tagOtherName = cryptoasn1.Tag(0).ContextSpecific().Constructed()
	tagDNSName   = cryptoasn1.Tag(2).ContextSpecific()
)

// ALabels returns domain with its U-labels as A-labels, which is how certificates
// and the DNS know it: "xn--bcher-kva.lab" for "bücher.lab" (RFC 5890, section
// 2.3.2.1). A domain in ASCII is returned as it is, whatever it looks like.
func ALabels(domain string) (string, error) {
	if isASCII(domain) {
		return domain, nil
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", fmt.Errorf("domain %q has no A-label form: %w", domain, err)
	}
	return ascii, nil
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// subjectAltName makes the extension with all names of a leaf, for those that
// crypto/x509 has no field for.
func (l Leaf) subjectAltName() (pkix.Extension, error) {
	for _, e := range l.ExtraExtensions {
		if e.Id.Equal(oidSubjectAltName) {
			return pkix.Extension{}, errors.New("ExtraExtensions has a subjectAltName beside that of SRVNames and XMPPAddrs")
		}
	}
	for _, list := range [][]string{l.Names, l.SRVNames} {
		for _, name := range list {
			if !isASCII(name) {
				return pkix.Extension{}, fmt.Errorf("%q is no IA5String", name)
			}
		}
	}
	var b cryptobyte.Builder
	b.AddASN1(cryptoasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, name := range l.Names {
			addString(b, tagDNSName, name)
		}
		for _, name := range l.SRVNames {
			addOtherName(b, oidDNSSRV, cryptoasn1.IA5String, name)
		}
		for _, addr := range l.XMPPAddrs {
			if !utf8.ValidString(addr) {
				b.SetError(fmt.Errorf("%q is no UTF8String", addr))
			}
			addOtherName(b, oidXMPPAddr, cryptoasn1.UTF8String, addr)
		}
	})
	der, err := b.Bytes()
	return pkix.Extension{Id: oidSubjectAltName, Critical: l.EmptySubject, Value: der}, err
}

func addOtherName(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, tag cryptoasn1.Tag, value string) {
	b.AddASN1(tagOtherName, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		b.AddASN1(tagOtherName, func(b *cryptobyte.Builder) { addString(b, tag, value) })
	})
}

func addString(b *cryptobyte.Builder, tag cryptoasn1.Tag, value string) {
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(value)) })
}
