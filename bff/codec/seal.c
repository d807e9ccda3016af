#include "codec/seal.h"

#include <sodium.h>
#include <string.h>
#include <sys/mman.h>

#include "base/wipe.h"

#define KEY_BYTES 32
#define KID_BYTES 4
#define NONCE_BYTES 24
#define TAG_BYTES 16

_Static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
/* That they are equal is what is asserted. NOLINTNEXTLINE(misc-redundant-expression) */
_Static_assert(SEAL_OVERHEAD == KID_BYTES + NONCE_BYTES + TAG_BYTES, "overhead");
_Static_assert(SEAL_KEY_LINE + 1 ==
                   sodium_base64_ENCODED_LEN(KEY_BYTES, sodium_base64_VARIANT_ORIGINAL),
               "key line");

struct keyring {
    size_t n;
    struct ring_key {
        unsigned char kid[KID_BYTES];
        unsigned char key[KEY_BYTES];
    } keys[KEYRING_MAX_KEYS];
};

bool seal_init(void)
{
    return sodium_init() >= 0;
}

/* BLAKE2b of label || text under a server key. The label keeps what one key is used for apart. */
static void keyed_hash(const unsigned char key[KEY_BYTES], struct str label, struct str text,
                       unsigned char *hash, size_t n)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, key, KEY_BYTES, n);
    crypto_generichash_update(&state, (const unsigned char *)label.p, label.n);
    crypto_generichash_update(&state, (const unsigned char *)text.p, text.n);
    crypto_generichash_final(&state, hash, n);
    wipe(&state, sizeof state);
}

static void name_key(struct ring_key *k)
{
    unsigned char hash[32];
    keyed_hash(k->key, STR("bffd kid v1"), (struct str){NULL, 0}, hash, sizeof hash);
    memcpy(k->kid, hash, KID_BYTES);
    wipe(hash, sizeof hash);
}

static bool is_known(const struct keyring *ring, const struct ring_key *k)
{
    for (size_t i = 0; i < ring->n; i++)
        if (sodium_memcmp(ring->keys[i].key, k->key, KEY_BYTES) == 0)
            return true;
    return false;
}

/* What is wrong with the line, or NULL and one key more. */
static const char *add_key(struct keyring *ring, struct str line)
{
    if (ring->n == KEYRING_MAX_KEYS)
        return "there are too many keys: 16 are allowed";
    struct ring_key *k = &ring->keys[ring->n];
    size_t n = 0;
    if (line.n != SEAL_KEY_LINE)
        return "a key has 44 characters, as `bffd keygen` prints it";
    if (sodium_base642bin(k->key, KEY_BYTES, line.p, line.n, NULL, &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return "a key is 32 bytes in base64, as `bffd keygen` prints it";
    if (n != KEY_BYTES)
        return "a key has 32 bytes, as `bffd keygen` makes it";
    if (is_known(ring, k))
        return "this key stands in the file already";
    name_key(k);
    ring->n++;
    return NULL;
}

static bool add_lines(struct keyring *ring, struct arena *arena, struct str text,
                      struct str *message)
{
    struct str_cut cut = {.tail = text, .found = true};
    for (size_t number = 1; cut.found; number++) {
        cut = str_cut(cut.tail, '\n');
        struct str line = str_trim(cut.head);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        const char *wrong = add_key(ring, line);
        if (!wrong)
            continue;
        if (!arena_printf(arena, message, "line %zu: %s", number, wrong))
            *message = STR("there is no memory to say what is wrong with the key file");
        return false;
    }
    if (ring->n == 0)
        *message = STR("there is no key: write the output of `bffd keygen` into the file");
    return ring->n > 0;
}

bool keyring_parse(struct arena *arena, struct str text, struct keyring **out, struct str *message)
{
    struct keyring *ring = sodium_malloc(sizeof *ring);
    if (!ring) {
        *message = STR("there is no locked memory for the keys");
        return false;
    }
    ring->n = 0;
    if (!add_lines(ring, arena, text, message)) {
        sodium_free(ring);
        return false;
    }
    sodium_mprotect_readonly(ring);
    *out = ring;
    return true;
}

void keyring_free(struct keyring *ring)
{
    sodium_free(ring);
}

bool keyring_lock(const struct keyring *ring)
{
    return mlock(ring, sizeof *ring) == 0;
}

void keyring_generate(char line[SEAL_KEY_LINE + 1])
{
    unsigned char key[KEY_BYTES];
    randombytes_buf(key, sizeof key);
    sodium_bin2base64(line, SEAL_KEY_LINE + 1, key, sizeof key, sodium_base64_VARIANT_ORIGINAL);
    wipe(key, sizeof key);
}

void seal_new_cookie(char cookie[43])
{
    unsigned char bits[32];
    char text[44];
    randombytes_buf(bits, sizeof bits);
    sodium_bin2base64(text, sizeof text, bits, sizeof bits,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    memcpy(cookie, text, 43);
    wipe(bits, sizeof bits);
    wipe(text, sizeof text);
}

void seal_cookie_hash(struct str cookie, unsigned char hash[SESSION_HASH_BYTES])
{
    crypto_generichash(hash, SESSION_HASH_BYTES, (const unsigned char *)cookie.p, cookie.n, NULL,
                       0);
}

void seal_user_hash(const struct keyring *ring, size_t i, struct str user_id,
                    unsigned char hash[SESSION_HASH_BYTES])
{
    keyed_hash(ring->keys[i].key, STR("bffd user v1"), user_id, hash, SESSION_HASH_BYTES);
}

static unsigned char *put_u64(unsigned char *p, uint64_t value)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        *p++ = (unsigned char)(value >> shift);
    return p;
}

static unsigned char *put_str(unsigned char *p, struct str s)
{
    p = put_u64(p, s.n);
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

/* Lengths stand before the texts, so no two places share their associated data. */
static bool bind_place(const struct seal_place *place, struct arena *arena, struct str *out)
{
    size_t n = 8 + place->key_name.n + 8 + 8 + place->field.n;
    unsigned char *start = arena_alloc(arena, n);
    if (!start)
        return false;
    unsigned char *p = put_str(start, place->key_name);
    p = put_u64(p, place->generation);
    put_str(p, place->field);
    *out = (struct str){(char *)start, n};
    return true;
}

enum bff_err seal(const struct keyring *ring, const struct seal_place *place, struct str plain,
                  struct arena *arena, struct str *out)
{
    const struct ring_key *k = &ring->keys[0];
    unsigned char key[KEY_BYTES];
    struct str place_data;
    if (plain.n > SIZE_MAX - SEAL_OVERHEAD || !bind_place(place, arena, &place_data))
        return BFF_ERR_NO_MEMORY;
    unsigned char *p = arena_alloc(arena, SEAL_OVERHEAD + plain.n);
    if (!p)
        return BFF_ERR_NO_MEMORY;
    unsigned char *nonce = p + KID_BYTES;
    memcpy(p, k->kid, KID_BYTES);
    randombytes_buf(nonce, NONCE_BYTES);
    keyed_hash(k->key, STR("bffd seal v1"), place->cookie, key, sizeof key);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        nonce + NONCE_BYTES, NULL, (const unsigned char *)plain.p, plain.n,
        (const unsigned char *)place_data.p, place_data.n, NULL, nonce, key);
    wipe(key, sizeof key);
    *out = (struct str){(char *)p, SEAL_OVERHEAD + plain.n};
    return BFF_OK;
}

static bool open_with(const struct ring_key *k, const struct seal_place *place,
                      struct str place_data, struct str sealed, unsigned char *plain)
{
    const unsigned char *nonce = (const unsigned char *)sealed.p + KID_BYTES;
    unsigned char key[KEY_BYTES];
    keyed_hash(k->key, STR("bffd seal v1"), place->cookie, key, sizeof key);
    int failure = crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain, NULL, NULL, nonce + NONCE_BYTES, sealed.n - KID_BYTES - NONCE_BYTES,
        (const unsigned char *)place_data.p, place_data.n, nonce, key);
    wipe(key, sizeof key);
    return failure == 0;
}

enum bff_err unseal(const struct keyring *ring, const struct seal_place *place, struct str sealed,
                    struct arena *arena, struct str *out)
{
    struct str place_data;
    if (sealed.n < SEAL_OVERHEAD)
        return BFF_ERR_SEAL_BROKEN;
    size_t n = sealed.n - SEAL_OVERHEAD;
    unsigned char *plain = arena_alloc(arena, n);
    if (!plain || !bind_place(place, arena, &place_data))
        return BFF_ERR_NO_MEMORY;
    /* Two keys may share a kid of four bytes: all that carry it are tried. */
    for (size_t i = 0; i < ring->n; i++) {
        const struct ring_key *k = &ring->keys[i];
        if (memcmp(k->kid, sealed.p, KID_BYTES) != 0)
            continue;
        if (open_with(k, place, place_data, sealed, plain)) {
            *out = (struct str){(char *)plain, n};
            return BFF_OK;
        }
    }
    return BFF_ERR_SEAL_BROKEN;
}

size_t keyring_size(const struct keyring *ring)
{
    return ring->n;
}

void keyring_id(const struct keyring *ring, size_t i, char id[KEYRING_ID_MAX])
{
    sodium_bin2hex(id, KEYRING_ID_MAX, ring->keys[i].kid, KID_BYTES);
}
