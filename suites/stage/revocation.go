package stage

import (
	"slices"
	"strings"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/lab"
)

// Whom the subject asks whether a certificate was revoked.
const (
	AskedList      = "the list"
	AskedResponder = "the responder"
	AskedNobody    = "nobody"
)

// Asked says in words whom the subject asked until now whether one of the stage's
// certificates was revoked.
func (st *Stage) Asked() string {
	st.mu.Lock()
	serials := slices.Clone(st.serials)
	st.mu.Unlock()
	var list, responder bool
	for _, q := range st.Lab.Requests(func(q lab.Request) bool {
		return q.Source.Addr() == st.Server.Unmap() && slices.Contains(serials, q.Serial)
	}) {
		isList := strings.HasPrefix(q.URL, ca.RevocationListURL)
		list, responder = list || isList, responder || !isList
	}
	switch {
	case list && responder:
		return AskedList + " and " + AskedResponder
	case list:
		return AskedList
	case responder:
		return AskedResponder
	}
	return AskedNobody
}
