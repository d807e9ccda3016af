#include <assert.h>
#include <string.h>

#include "base/base64url.h"
#include "base/buf.h"
#include "store/store.h"

#define OPENING STR("s:{")
#define CHARS BASE64URL_CHARS(SESSION_HASH_BYTES)

_Static_assert(REDIS_PREFIX_MAX + 3 + CHARS + 1 < SESSION_KEY_MAX, "a key fits");

void session_name_make(const struct config *config, struct str cookie, struct session_name *out)
{
    unsigned char hash[SESSION_HASH_BYTES];
    seal_cookie_hash(cookie, hash);
    session_name_of_hash(config, hash, out);
    out->cookie = cookie;
}

void session_name_of_hash(const struct config *config, const unsigned char hash[SESSION_HASH_BYTES],
                          struct session_name *out)
{
    assert(config->redis.prefix.n <= REDIS_PREFIX_MAX);
    *out = (struct session_name){.key_length = 0};
    memcpy(out->hash, hash, SESSION_HASH_BYTES);
    struct buf key = buf_make(out->key, SESSION_KEY_MAX - 1);
    buf_add(&key, config->redis.prefix);
    buf_add(&key, OPENING);
    char text[CHARS];
    base64url_encode(out->hash, SESSION_HASH_BYTES, text);
    buf_add(&key, (struct str){text, sizeof text});
    buf_add_char(&key, '}');
    out->key_length = key.n;
}

bool session_key_hash(const struct config *config, struct str key,
                      unsigned char hash[SESSION_HASH_BYTES])
{
    size_t start = config->redis.prefix.n + OPENING.n;
    if (key.n != start + CHARS + 1 || !str_starts(key, config->redis.prefix) ||
        memcmp(key.p + config->redis.prefix.n, OPENING.p, OPENING.n) != 0 ||
        key.p[key.n - 1] != '}')
        return false;
    unsigned char bytes[SESSION_HASH_BYTES];
    if (!base64url_decode((struct str){key.p + start, CHARS}, bytes))
        return false;
    memcpy(hash, bytes, sizeof bytes);
    return true;
}
