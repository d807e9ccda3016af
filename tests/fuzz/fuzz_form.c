/*
 * A form that a browser sent: what is found is what stands there once, and a value that is written
 * is read as itself. Input: a byte, the length of a value; the value; a form.
 */
#include "codec/form.h"
#include "fuzz.h"

static bool is_encoded(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7F || s.p[i] == '&' || s.p[i] == '=' || s.p[i] == '+')
            return false;
    return true;
}

/* Between other fields, and refused when it stands there twice. */
static void there_and_back(struct str value, struct arena *arena)
{
    char memory[64 + 6 * 256];
    struct buf b = buf_make(memory, sizeof memory);
    struct str found, whole;
    buf_add(&b, STR("other=1&na%6De="));
    size_t start = b.n;
    form_add(&b, value);
    struct str written = {memory + start, b.n - start};
    demand(!b.overflowed && is_encoded(written) && written.n <= 3 * value.n);
    buf_add(&b, STR("&last=2"));
    whole = buf_str(&b);
    demand(form_find(whole, STR("name"), arena, &found) == BFF_OK && str_eq(found, value));
    demand(form_find(whole, STR("last"), arena, &found) == BFF_OK && str_eq(found, STR("2")));
    buf_add(&b, STR("&name="));
    found = STR("untouched");
    demand(form_find(buf_str(&b), STR("name"), arena, &found) == BFF_ERR_DUPLICATE);
    demand(str_eq(found, STR("untouched")));
}

static void any_form(struct str form, struct arena *arena)
{
    static const struct str names[] = {{"a", 1}, {"username", 8}, {"", 0}, {"a b&=%", 6}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct str found = STR("untouched");
        enum bff_err e = form_find(form, names[i], arena, &found);
        if (e == BFF_OK)
            demand(found.n + names[i].n <= form.n);
        else
            demand(str_eq(found, STR("untouched")) && e != BFF_ERR_NO_MEMORY);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str form = {(const char *)data, size};
    size_t n = take_byte(&form);
    if (n > form.n)
        n = form.n;
    struct str value = {form.p, n};
    form = (struct str){form.p + n, form.n - n};
    struct arena arena = arena_make(1 << 20);
    there_and_back(value, &arena);
    any_form(form, &arena);
    arena_free(&arena);
    return 0;
}
