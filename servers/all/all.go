package all

import (
	_ "github.com/xmpp-testday/testday/servers/ejabberd"
	_ "github.com/xmpp-testday/testday/servers/jabberd2"
	_ "github.com/xmpp-testday/testday/servers/prosody"
	_ "github.com/xmpp-testday/testday/servers/reference"
)
