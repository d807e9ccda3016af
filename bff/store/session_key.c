#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "store/store.h"

#define OPENING STR("s:{")
#define HEX_DIGITS (SESSION_HASH_BYTES * 2)

_Static_assert(REDIS_PREFIX_MAX + 3 + HEX_DIGITS + 1 < SESSION_KEY_MAX, "a key fits");

void session_name_make(const struct config *config, struct str cookie, struct session_name *out)
{
    assert(config->redis.prefix.n <= REDIS_PREFIX_MAX);
    *out = (struct session_name){.cookie = cookie};
    seal_cookie_hash(cookie, out->hash);
    struct buf key = buf_make(out->key, SESSION_KEY_MAX - 1);
    buf_add(&key, config->redis.prefix);
    buf_add(&key, OPENING);
    buf_add_hex(&key, out->hash, SESSION_HASH_BYTES);
    buf_add_char(&key, '}');
    out->key_length = key.n;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool session_key_hash(const struct config *config, struct str key,
                      unsigned char hash[SESSION_HASH_BYTES])
{
    size_t start = config->redis.prefix.n + OPENING.n;
    if (key.n != start + HEX_DIGITS + 1 || !str_starts(key, config->redis.prefix) ||
        memcmp(key.p + config->redis.prefix.n, OPENING.p, OPENING.n) != 0 ||
        key.p[key.n - 1] != '}')
        return false;
    unsigned char bytes[SESSION_HASH_BYTES];
    for (size_t i = 0; i < SESSION_HASH_BYTES; i++) {
        int high = hex_value(key.p[start + 2 * i]), low = hex_value(key.p[start + 2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    memcpy(hash, bytes, sizeof bytes);
    return true;
}
