#include "codec/pack.h"

#include <string.h>

#include "base/base64url.h"
#include "codec/pack_steps.h"

#define HEX_LEAST 6     /* digits: fewer are as short by themselves */
#define BASE64_LEAST 10 /* characters: likewise */
#define LENGTH_MAX 4    /* bytes */

const struct str pack_phrases[] = {
#define X(text) {text, sizeof(text) - 1},
    PACK_PHRASES(X)
#undef X
};
const size_t pack_phrases_count = sizeof pack_phrases / sizeof *pack_phrases;

_Static_assert(STEP_PHRASE + sizeof pack_phrases / sizeof *pack_phrases <= STEP_NUMBER,
               "phrases and steps");

struct packer {
    struct buf out;
    struct arena *scratch;
    bool is_inner; /* of a BASE64_PACKED: there is none inside it */
    bool is_out_of_memory;
};

static void add_length(struct buf *b, size_t n)
{
    for (; n > 127; n >>= 7)
        buf_add_char(b, (char)((n & 127) | 128));
    buf_add_char(b, (char)n);
}

static void add_step(struct buf *b, enum pack_step step, struct str data)
{
    buf_add_char(b, (char)step);
    if (step != STEP_NUMBER && step != STEP_UUID)
        add_length(b, data.n);
    buf_add(b, data);
}

static struct str skip(struct str s, size_t n)
{
    return (struct str){s.p + n, s.n - n};
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static size_t hex_digits(struct str s)
{
    size_t n = 0;
    while (n < s.n && is_hex(s.p[n]))
        n++;
    return n;
}

static unsigned char hex_byte(const char *digits)
{
    return (unsigned char)(str_hex_digit(digits[0]) << 4 | str_hex_digit(digits[1]));
}

/* Each of the following packs what `text` begins with and returns how much of it that was; 0: not
 * what it is for. */

static size_t add_phrase(struct packer *k, struct str text)
{
    size_t best = 0, n = 0;
    for (size_t i = 0; i < pack_phrases_count; i++) {
        struct str phrase = pack_phrases[i];
        if (phrase.p[0] == text.p[0] && phrase.n > n && str_starts(text, phrase)) {
            best = i;
            n = phrase.n;
        }
    }
    if (n > 0)
        buf_add_char(&k->out, (char)(STEP_PHRASE + best));
    return n;
}

static size_t add_uuid(struct packer *k, struct str text)
{
    char bytes[UUID_BYTES];
    const char *p = text.p;
    if (text.n < UUID_CHARS)
        return 0;
    for (size_t i = 0; i < UUID_BYTES; i++, p += 2) {
        if (IS_UUID_DASH_BEFORE(i) && *p++ != '-')
            return 0;
        if (!is_hex(p[0]) || !is_hex(p[1]))
            return 0;
        bytes[i] = (char)hex_byte(p);
    }
    add_step(&k->out, STEP_UUID, (struct str){bytes, sizeof bytes});
    return UUID_CHARS;
}

static size_t add_number(struct packer *k, struct str text)
{
    size_t n = hex_digits(text);
    uint64_t value;
    if (n < HEX_LEAST || text.p[0] == '0' ||
        !str_to_u64((struct str){text.p, n}, UINT32_MAX, &value))
        return 0;
    const char bytes[4] = {(char)(value >> 24), (char)(value >> 16), (char)(value >> 8),
                           (char)value};
    add_step(&k->out, STEP_NUMBER, (struct str){bytes, sizeof bytes});
    return n;
}

static size_t add_hex(struct packer *k, struct str text)
{
    size_t n = hex_digits(text) & ~(size_t)1;
    if (n < HEX_LEAST)
        return 0;
    buf_add_char(&k->out, (char)STEP_HEX);
    add_length(&k->out, n / 2);
    for (size_t i = 0; i < n; i += 2)
        buf_add_char(&k->out, (char)hex_byte(text.p + i));
    return n;
}

static void pack_text(struct packer *k, struct str text);

/* What the bytes are as text, where that is shorter. Text within text is packed once: what is inner
 * is not looked into again. NOLINTNEXTLINE(misc-no-recursion) */
static void add_bytes_of_base64(struct packer *k, struct str bytes)
{
    struct packer inner = {.scratch = k->scratch, .is_inner = true};
    char *p = k->is_inner ? NULL : arena_alloc(k->scratch, bytes.n);
    if (p) {
        inner.out = buf_make(p, bytes.n - 1);
        pack_text(&inner, bytes);
    }
    k->is_out_of_memory |= inner.is_out_of_memory || (!k->is_inner && !p);
    if (p && !inner.out.overflowed)
        add_step(&k->out, STEP_BASE64_PACKED, buf_str(&inner.out));
    else
        add_step(&k->out, STEP_BASE64, bytes);
}

/* NOLINTNEXTLINE(misc-no-recursion): as above */
static size_t add_base64(struct packer *k, struct str text)
{
    size_t n = str_base64url_length(text);
    if (n < BASE64_LEAST || hex_digits(text) == n)
        return 0;
    unsigned char *bytes = arena_alloc(k->scratch, BASE64URL_BYTES(n));
    k->is_out_of_memory |= !bytes;
    if (!bytes || !base64url_decode((struct str){text.p, n}, bytes))
        return 0;
    add_bytes_of_base64(k, (struct str){(char *)bytes, BASE64URL_BYTES(n)});
    return n;
}

static size_t add_bytes(struct packer *k, struct str text)
{
    size_t n = 0;
    while (n < text.n && (unsigned char)text.p[n] >= 128)
        n++;
    if (n > 0)
        add_step(&k->out, STEP_BYTES, (struct str){text.p, n});
    else
        buf_add_char(&k->out, text.p[n++]);
    return n;
}

/* NOLINTNEXTLINE(misc-no-recursion): as above */
static void pack_text(struct packer *k, struct str text)
{
    while (text.n > 0 && !k->out.overflowed) {
        size_t n = add_phrase(k, text);
        n = n ? n : add_uuid(k, text);
        n = n ? n : add_base64(k, text);
        n = n ? n : add_number(k, text);
        n = n ? n : add_hex(k, text);
        n = n ? n : add_bytes(k, text);
        text = skip(text, n);
    }
}

enum bff_err pack_add(struct buf *row, struct str text, struct arena *scratch)
{
    size_t cap = 1 + LENGTH_MAX + text.n;
    char *p = arena_alloc(scratch, cap);
    if (!p)
        return BFF_ERR_NO_MEMORY;
    struct packer k = {.out = buf_make(p, cap), .scratch = scratch};
    pack_text(&k, text);
    if (k.is_out_of_memory)
        return BFF_ERR_NO_MEMORY;
    if (k.out.overflowed) { /* many small pieces */
        k.out = buf_make(p, cap);
        add_step(&k.out, STEP_BYTES, text);
    }
    add_length(row, k.out.n);
    buf_add(row, buf_str(&k.out));
    return row->overflowed ? BFF_ERR_NO_MEMORY : BFF_OK;
}
