#include <assert.h>

#include "base/base64url.h"
#include "codec/pack.h"
#include "codec/pack_steps.h"

#define LENGTH_BITS 28

struct step {
    enum pack_step kind; /* STEP_BYTES for whatever stands for itself */
    struct str data;
};

static struct str skip(struct str s, size_t n)
{
    return (struct str){s.p + n, s.n - n};
}

static bool cut(struct str *rest, size_t n, struct str *out)
{
    if (n > rest->n)
        return false;
    *out = (struct str){rest->p, n};
    *rest = skip(*rest, n);
    return true;
}

static bool cut_length(struct str *rest, size_t *n)
{
    *n = 0;
    for (unsigned shift = 0; rest->n > 0 && shift < LENGTH_BITS; shift += 7) {
        unsigned char byte = (unsigned char)*rest->p;
        *rest = skip(*rest, 1);
        *n |= (size_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

static size_t ascii_length(struct str s)
{
    size_t n = 0;
    while (n < s.n && (unsigned char)s.p[n] < STEP_PHRASE)
        n++;
    return n;
}

/* `rest` is not empty. */
static bool next_step(struct str *rest, struct step *out)
{
    unsigned char first = (unsigned char)*rest->p;
    size_t n = ascii_length(*rest);
    out->kind = STEP_BYTES;
    if (n > 0)
        return cut(rest, n, &out->data);
    *rest = skip(*rest, 1);
    if (first < STEP_NUMBER) {
        if (first - STEP_PHRASE >= (int)pack_phrases_count)
            return false;
        out->data = pack_phrases[first - STEP_PHRASE];
        return true;
    }
    out->kind = (enum pack_step)first;
    if (out->kind == STEP_NUMBER)
        return cut(rest, 4, &out->data);
    if (out->kind == STEP_UUID)
        return cut(rest, UUID_BYTES, &out->data);
    return cut_length(rest, &n) && cut(rest, n, &out->data);
}

static uint32_t number_of(struct str bytes)
{
    uint32_t n = 0;
    for (size_t i = 0; i < bytes.n; i++)
        n = n << 8 | (unsigned char)bytes.p[i];
    return n;
}

static size_t decimal_digits(uint32_t n)
{
    size_t digits = 1;
    while (n /= 10)
        digits++;
    return digits;
}

static bool measure(struct str packed, bool is_inner, size_t limit, size_t *out);

/* What is inner has no inner of its own. NOLINTNEXTLINE(misc-no-recursion) */
static bool measure_step(const struct step *s, bool is_inner, size_t limit, size_t *out)
{
    size_t inner = 0;
    switch (s->kind) {
    case STEP_PHRASE:
    case STEP_BYTES:
        *out = s->data.n;
        break;
    case STEP_NUMBER:
        *out = decimal_digits(number_of(s->data));
        break;
    case STEP_HEX:
        *out = s->data.n * 2;
        break;
    case STEP_UUID:
        *out = UUID_CHARS;
        break;
    case STEP_BASE64:
        *out = BASE64URL_CHARS(s->data.n);
        break;
    case STEP_BASE64_PACKED:
        if (is_inner || !measure(s->data, true, limit, &inner))
            return false;
        *out = BASE64URL_CHARS(inner);
        break;
    }
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): as above */
static bool measure(struct str packed, bool is_inner, size_t limit, size_t *out)
{
    *out = 0;
    while (packed.n > 0) {
        struct step s;
        size_t n = 0;
        if (!next_step(&packed, &s) || !measure_step(&s, is_inner, limit, &n) || n > limit - *out)
            return false;
        *out += n;
    }
    return true;
}

static void add_uuid(struct buf *b, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        if (IS_UUID_DASH_BEFORE(i))
            buf_add_char(b, '-');
        buf_add_hex(b, (const unsigned char *)bytes.p + i, 1);
    }
}

static void add_text(struct buf *b, struct str packed);

/* The text is written to the end of where its characters go, and encoded from there.
 * NOLINTNEXTLINE(misc-no-recursion): measure() has found one level */
static void add_base64_packed(struct buf *b, struct str packed)
{
    size_t n, room = b->cap - b->n;
    if (!measure(packed, true, room, &n) || BASE64URL_CHARS(n) > room) {
        b->overflowed = true;
        return;
    }
    size_t chars = BASE64URL_CHARS(n);
    struct buf inner = buf_make(b->p + b->n + chars - n, n);
    add_text(&inner, packed);
    base64url_encode((const unsigned char *)inner.p, n, b->p + b->n);
    b->n += chars;
}

static void add_base64(struct buf *b, struct str bytes)
{
    size_t chars = BASE64URL_CHARS(bytes.n);
    if (chars > b->cap - b->n) {
        b->overflowed = true;
        return;
    }
    base64url_encode((const unsigned char *)bytes.p, bytes.n, b->p + b->n);
    b->n += chars;
}

/* `packed` was measured. NOLINTNEXTLINE(misc-no-recursion): as above */
static void add_text(struct buf *b, struct str packed)
{
    struct step s;
    while (packed.n > 0 && next_step(&packed, &s)) {
        switch (s.kind) {
        case STEP_PHRASE:
        case STEP_BYTES:
            buf_add(b, s.data);
            break;
        case STEP_NUMBER:
            buf_add_i64(b, number_of(s.data));
            break;
        case STEP_HEX:
            buf_add_hex(b, (const unsigned char *)s.data.p, s.data.n);
            break;
        case STEP_UUID:
            add_uuid(b, s.data);
            break;
        case STEP_BASE64:
            add_base64(b, s.data);
            break;
        case STEP_BASE64_PACKED:
            add_base64_packed(b, s.data);
            break;
        }
    }
}

bool pack_next(struct str *row, struct str *packed)
{
    struct str rest = *row;
    size_t n;
    if (!cut_length(&rest, &n) || !cut(&rest, n, packed))
        return false;
    *row = rest;
    return true;
}

enum bff_err unpack(struct str packed, size_t limit, struct arena *arena, struct str *out)
{
    size_t n;
    if (!measure(packed, false, limit, &n))
        return BFF_ERR_MALFORMED;
    char *p = arena_alloc(arena, n);
    if (!p)
        return BFF_ERR_NO_MEMORY;
    struct buf text = buf_make(p, n);
    add_text(&text, packed);
    assert(!text.overflowed && text.n == n);
    *out = (struct str){p, n};
    return BFF_OK;
}
