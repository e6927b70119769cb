// Package servers knows the software under test.
//
// A subject is a container image that honours the subject contract (CONTRACT.md in this folder): it is given a list of virtual
// hosts with their policies and certificates, says when it is ready, and prints its log and its TLS secrets. A family of
// shipped servers is one folder: a Dockerfile, a start script, a configuration template, and a [Driver] that says which
// versions exist, which settings the server can express for each virtual host, which only for a whole container, and which
// not at all. A driver never knows a scenario, and a scenario never knows a server by name.
//
// Drivers register themselves when their package is imported; package servers/all imports every shipped one:
//
//	import _ "github.com/xmpp-testday/testday/servers/all"
//
//	subjects, err := servers.ParseSubjects("prosody@13,ejabberd@24.12,mine=registry/image:tag")
//	if err != nil {
//		return err // one line that says which names exist
//	}
//	place, err := subjects[0].Driver.Place(servers.Setting{Policy: servers.P2, Certificate: "good"})
//	var cannot *servers.Unsupported
//	if errors.As(err, &cannot) {
//		fmt.Println("not expressible:", cannot.Reason)
//	}
//
// Hosts whose places are equal may share a container. What goes into that container is a [Deployment], written as one tar
// with [Deployment.WriteTar]; what comes out is read line by line with [ParseLine].
//
// # Adding a server
//
// Copy the folder of a shipped server, change the Dockerfile and the start script until the image honours CONTRACT.md, describe
// it in the driver, and add the import to servers/all. An image that is built elsewhere needs no folder: it carries labels
// that say the same as a driver does (see [FromLabels]) and is named on the command line as mine=IMAGE.
package servers
