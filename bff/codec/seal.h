/*
 * Sealing of what is stored: XChaCha20-Poly1305 (libsodium's aead_xchacha20poly1305_ietf) under a
 * key derived from a server key *and* the session cookie. A copy of Redis opens nothing, not even
 * together with the server key: the cookie is only in the browser.
 *
 *   kid(4) nonce(24) ciphertext tag(16)
 *   key = BLAKE2b-256(key: server key, input: "bffd seal v1" || cookie)
 *   associated data = length-prefixed key name, generation (64 bit, big-endian), length-prefixed
 * field
 *
 * Server keys form a ring: the first seals, all of them open, `kid` tells which. kid is a hash of
 * the key. Keys live in locked memory (sodium_malloc) and are wiped by keyring_free().
 */
#ifndef BFF_CODEC_SEAL_H
#define BFF_CODEC_SEAL_H

#include "base/arena.h"

#define SEAL_OVERHEAD (4 + 24 + 16)
#define SEAL_KEY_LINE 44 /* 32 bytes in base64 with padding: one line of a key file */
#define KEYRING_MAX_KEYS 16
#define SESSION_HASH_BYTES 16

struct keyring; /* immutable after keyring_parse(): threads may share it */

/* libsodium ready to use. Call once, before anything else here and before threads. */
BFF_MUST_CHECK bool seal_init(void);

/*
 * A key file's text: one base64 key of 32 bytes a line; blank lines and lines starting with '#'
 * are skipped. *message is a sentence with the line's number on failure (a literal or in `arena`):
 * no key, bad base64, a wrong length, a key twice, too many keys. It never quotes the line.
 */
BFF_MUST_CHECK bool keyring_parse(struct arena *arena, struct str text, struct keyring **out,
                                  struct str *message);
void keyring_free(struct keyring *ring); /* NULL is fine */

/* Locks are not inherited: a process that was forked has to lock its keys itself. false, and errno:
 * the system refuses (RLIMIT_MEMLOCK), and the keys may be swapped out. */
BFF_MUST_CHECK bool keyring_lock(const struct keyring *ring);

/* How many keys there are, and what the i-th is called: its kid in hex, which tells nothing of it.
 */
#define KEYRING_ID_MAX 9
size_t keyring_size(const struct keyring *ring);
void keyring_id(const struct keyring *ring, size_t i, char id[KEYRING_ID_MAX]);

/* A new random key as a key file's line, without the newline: `bffd keygen`. NUL-terminated. */
void keyring_generate(char line[SEAL_KEY_LINE + 1]);

/* A new session cookie value: 32 random bytes as 43 characters of base64url. Not NUL-terminated. */
void seal_new_cookie(char cookie[43]);

/* BLAKE2b-128 of the cookie value: what Redis and logs may know of it. Needs no key. It only finds
 * a session: what opens one is the cookie, all of it. */
void seal_cookie_hash(struct str cookie, unsigned char hash[SESSION_HASH_BYTES]);

/* Keyed BLAKE2b-128 (with the ring's i-th key) of a user's id: names the set of a user's sessions.
 */
void seal_user_hash(const struct keyring *ring, size_t i, struct str user_id,
                    unsigned char hash[SESSION_HASH_BYTES]);

/* What a sealed value is bound to: moved to another key, generation or field, it does not open. */
struct seal_place {
    struct str cookie;   /* the session cookie's value */
    struct str key_name; /* the Redis key */
    uint64_t generation;
    struct str field;
};

/* BFF_ERR_NO_MEMORY. *out is in `arena`. */
BFF_MUST_CHECK enum bff_err seal(const struct keyring *ring, const struct seal_place *place,
                                 struct str plain, struct arena *arena, struct str *out);

/* BFF_ERR_SEAL_BROKEN: too short, unknown kid, or not what was sealed for this place;
 * BFF_ERR_NO_MEMORY. *out is in `arena` and untouched on failure. */
BFF_MUST_CHECK enum bff_err unseal(const struct keyring *ring, const struct seal_place *place,
                                   struct str sealed, struct arena *arena, struct str *out);

#endif
