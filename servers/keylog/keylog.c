/*
 * keylog.so writes the TLS secrets of a server that links OpenSSL, in the NSS key log format, to the file that the variable
 * TESTDAY_KEYLOG names. It is preloaded: it stands in front of SSL_new and gives each context the callback that OpenSSL has
 * for this purpose. Without the variable it does nothing.
 *
 * It is linked with libssl, because servers load theirs with dlopen and keep its names local: RTLD_NEXT would find none.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <openssl/ssl.h>

/*
 * The file is opened for each line: a daemon that closes descriptors it does not know would otherwise have the secrets of one
 * connection written into another one's socket. One writev to a file opened for appending keeps lines whole among threads and
 * processes.
 */
static void keylog(const SSL *ssl, const char *line)
{
	static char newline[] = "\n";
	struct iovec iov[2] = {{(char *)line, strlen(line)}, {newline, 1}};
	const char *path = getenv("TESTDAY_KEYLOG");
	int saved = errno;
	int fd;

	(void)ssl;
	if (path != NULL && *path != '\0') {
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
		if (fd >= 0) {
			ssize_t written = writev(fd, iov, 2);

			(void)written;
			close(fd);
		}
	}
	errno = saved;
}

SSL *SSL_new(SSL_CTX *ctx)
{
	/* Threads may race here; all of them store the same address. */
	static SSL *(*real)(SSL_CTX *);

	if (real == NULL) {
		*(void **)&real = dlsym(RTLD_NEXT, "SSL_new");
		if (real == NULL)
			return NULL;
	}
	if (ctx != NULL && SSL_CTX_get_keylog_callback(ctx) == NULL)
		SSL_CTX_set_keylog_callback(ctx, keylog);
	return real(ctx);
}
