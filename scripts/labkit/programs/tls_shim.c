/* Configures the TLS of any program that uses OpenSSL, and logs the keys of GnuTLS, too, by LD_PRELOAD, for what the program has no option for.
 *
 * SSLKEYLOGFILE     write TLS keys there, unless the program does so itself
 * LAB_TLS_CIPHERS   cipher list of TLS 1.2 and below
 * LAB_TLS_SUITES    cipher suites of TLS 1.3
 * LAB_TLS_GROUPS    groups for the key exchange
 * LAB_TLS_MIN, LAB_TLS_MAX   protocol versions as numbers, e.g. 771 for TLS 1.2
 * LAB_TLS_PADDING   block size to which TLS 1.3 records are padded
 * LAB_TLS_NO_ETM    CBC suites with MAC-then-encrypt
 *
 * Linked with the system's OpenSSL, which is then found whichever way the program loads it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int key_log = -1;

/* Opened early: some programs give up their rights, or shut themselves into an empty directory. */
__attribute__((constructor)) static void open_key_log(void)
{
    const char *path = getenv("SSLKEYLOGFILE");
    if (path) {
        int low = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        key_log = fcntl(low, F_DUPFD_CLOEXEC, 900);
        close(low);
    }
}

static void write_line(const char *line)
{
    char whole[512];
    size_t length = strlen(line);
    if (length < sizeof whole) {
        memcpy(whole, line, length);
        whole[length++] = '\n';
        if (write(key_log, whole, length) < 0)
            return;
    }
}

static void log_key(const SSL *ssl, const char *line)
{
    (void)ssl;
    write_line(line);
}

/* GnuTLS has the variable, but takes no notice of it in programs that may run as another user. */
struct datum {
    unsigned char *data;
    unsigned size;
};
static void (*get_random)(void *, struct datum *, struct datum *);

static char *hex(char *to, const struct datum *from)
{
    for (unsigned i = 0; i < from->size; i++)
        to += sprintf(to, "%02x", from->data[i]);
    return to;
}

static int log_gnutls(void *session, const char *label, const struct datum *secret)
{
    char line[512], *at = line + sprintf(line, "%.60s ", label);
    struct datum client, server;
    get_random(session, &client, &server);
    at = hex(at, &client);
    *at++ = ' ';
    if (secret->size <= 64)
        hex(at, secret);
    write_line(line);
    return 0;
}

int gnutls_init(void **session, unsigned flags)
{
    int (*original)(void **, unsigned) = (int (*)(void **, unsigned))dlsym(RTLD_NEXT, "gnutls_init");
    void (*set)(void *, void *) = (void (*)(void *, void *))dlsym(RTLD_NEXT, "gnutls_session_set_keylog_function");
    int done = original(session, flags);
    get_random = (void (*)(void *, struct datum *, struct datum *))dlsym(RTLD_NEXT, "gnutls_session_get_random");
    if (done >= 0 && key_log >= 0 && set && get_random)
        set(*session, log_gnutls);
    return done;
}

SSL *SSL_new(SSL_CTX *context)
{
    SSL *(*original)(SSL_CTX *) = (SSL * (*)(SSL_CTX *)) dlsym(RTLD_NEXT, "SSL_new");
    const char *value;
    if (key_log >= 0 && !SSL_CTX_get_keylog_callback(context))
        SSL_CTX_set_keylog_callback(context, log_key);
    SSL *ssl = original(context);
    if (!ssl)
        return ssl;
    if ((value = getenv("LAB_TLS_MIN"))) {
        SSL_set_security_level(ssl, 0);
        SSL_set_min_proto_version(ssl, atoi(value));
    }
    if ((value = getenv("LAB_TLS_MAX")))
        SSL_set_max_proto_version(ssl, atoi(value));
    if ((value = getenv("LAB_TLS_CIPHERS"))) {
        SSL_set_security_level(ssl, 0);
        SSL_set_cipher_list(ssl, value);
    }
    if ((value = getenv("LAB_TLS_SUITES")))
        SSL_set_ciphersuites(ssl, value);
    if ((value = getenv("LAB_TLS_GROUPS")))
        SSL_set1_groups_list(ssl, value);
    if ((value = getenv("LAB_TLS_PADDING")))
        SSL_set_block_padding(ssl, atoi(value));
    if (getenv("LAB_TLS_NO_ETM"))
        SSL_set_options(ssl, SSL_OP_NO_ENCRYPT_THEN_MAC);
    return ssl;
}
