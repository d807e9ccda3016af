/* What a configuration file names, read and checked: the file itself, the keys, the secrets. */
#ifndef BFF_SERVER_SETUP_H
#define BFF_SERVER_SETUP_H

#include "codec/seal.h"
#include "core/config.h"

#define SETUP_MESSAGE_MAX 1024

struct setup {
    struct arena arena; /* holds the configuration and the secrets; wiped by setup_free() */
    struct config config;
    struct keyring *keys;
    struct str password;          /* for Redis; empty: none */
    struct str sentinel_password; /* for the sentinels; empty: none */
    struct str client_secret;     /* for the backend, of [client]; empty: none */
};

/* The text of the file at `path`, in `arena`. false: *message is a sentence with path and reason.
 */
BFF_MUST_CHECK bool setup_read_file(struct arena *arena, const char *path, struct str *out,
                                    struct str *message);

/*
 * NULL on failure, with a sentence in `message`. Key, password and secret files must not be
 * readable or writable by others, and are never quoted. What stands in $CREDENTIALS_DIRECTORY under
 * the last component of such a file's path is read in its place.
 */
BFF_MUST_CHECK struct setup *setup_load(const char *path, char message[SETUP_MESSAGE_MAX]);

/* The same without keys and Redis' password, for what talks to the backend alone: it need not be
 * allowed to read them. */
BFF_MUST_CHECK struct setup *setup_load_backend(const char *path, char message[SETUP_MESSAGE_MAX]);
void setup_free(struct setup *s); /* NULL is fine */

#endif
