-- The global section; /testday/start fills in the @words@ and appends the virtual hosts.
pidfile = "/run/testday/prosody.pid"
data_path = "/var/lib/prosody"
-- Without a folder of its own Prosody would look for certificates by name; each host says which one it presents.
certificates = "/run/testday/none"
log = { { levels = { min = "debug" }; to = "stdout"; timestamps = "%Y-%m-%dT%H:%M:%S" } }

-- Prosody compiles each module anew for each host, 2 ms a time, so only what a stream needs is loaded. Without offline storage
-- a message to an absent user comes back as an error, as the sender should learn at once.
modules_enabled = { "saslauth"; "tls"; @dialback@ }
modules_disabled = { "offline" }
authentication = "internal_plain"
interfaces = { "*" }
s2s_direct_tls_ports = { 5270 }

c2s_require_encryption = true
s2s_require_encryption = @require@
s2s_secure_auth = @secure@
-- Whatever cafile says, Prosody trusts what is in capath too, which is /etc/ssl/certs unless it is told otherwise.
ssl = { cafile = "/testday/in/ca.pem"; capath = "/run/testday/none" }

-- A failure must reach the sender while a test waits for it: the default is 90 seconds. That of a handshake is 60, and alone
-- bounds one of direct TLS.
s2s_timeout = 10
network_settings = { connect_timeout = 3; ssl_handshake_timeout = 5 }
unbound = {
	resolvconf = true; hoststxt = false; @anchor@
	options = { ["cache-max-ttl:"] = "0"; ["cache-max-negative-ttl:"] = "0" };
}
