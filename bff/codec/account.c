#include "codec/account.h"

#include "base/buf.h"
#include "codec/fields.h"
#include "codec/form.h"
#include "codec/request.h"

/* What Python's str.strip() takes off, beyond ASCII, in UTF-8. */
static const struct str wide_blanks[] = {
    {"\xC2\x85", 2},     {"\xC2\xA0", 2},     {"\xE1\x9A\x80", 3}, {"\xE2\x80\x80", 3},
    {"\xE2\x80\x81", 3}, {"\xE2\x80\x82", 3}, {"\xE2\x80\x83", 3}, {"\xE2\x80\x84", 3},
    {"\xE2\x80\x85", 3}, {"\xE2\x80\x86", 3}, {"\xE2\x80\x87", 3}, {"\xE2\x80\x88", 3},
    {"\xE2\x80\x89", 3}, {"\xE2\x80\x8A", 3}, {"\xE2\x80\xA8", 3}, {"\xE2\x80\xA9", 3},
    {"\xE2\x80\xAF", 3}, {"\xE2\x81\x9F", 3}, {"\xE3\x80\x80", 3},
};

static size_t blank_length(struct str s)
{
    unsigned char first = (unsigned char)s.p[0];
    if (first <= ' ' || first == 0x7F)
        return 1;
    if (first < 0x80)
        return 0;
    for (size_t i = 0; i < sizeof wide_blanks / sizeof wide_blanks[0]; i++)
        if (str_starts(s, wide_blanks[i]))
            return wide_blanks[i].n;
    return 0;
}

/* `kind` keeps names of different kinds apart. */
static bool make_name(char kind, struct str text, struct arena *arena, struct str *out)
{
    char *memory = arena_alloc(arena, text.n + 2);
    if (!memory)
        return false;
    struct buf b = buf_make(memory, text.n + 2);
    buf_add_char(&b, kind);
    while (text.n > 0) {
        size_t skip = blank_length(text);
        char c = text.p[0];
        if (skip == 0)
            buf_add_char(&b, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
        skip += skip == 0;
        text = (struct str){text.p + skip, text.n - skip};
    }
    *out = buf_str(&b);
    return true;
}

static bool says_fields(struct str content_type)
{
    return content_type.n == 0 || request_is_type(content_type, STR("application/json")) ||
           request_is_type(content_type, STR(FORM_CONTENT_TYPE));
}

/* In UTF-7 every letter of a name has spellings. */
static bool has_odd_charset(struct str content_type)
{
    struct str_cut cut = {.tail = content_type, .found = true};
    for (cut = str_cut(cut.tail, ';'); cut.found;) {
        cut = str_cut(cut.tail, ';');
        struct str_cut pair = str_cut(str_trim(cut.head), '=');
        struct str value = str_trim(pair.tail);
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = (struct str){value.p + 1, value.n - 2};
        if (str_eq_nocase(str_trim(pair.head), STR("charset")) &&
            !str_eq_nocase(value, STR("utf-8")))
            return true;
    }
    return false;
}

static enum bff_err find_all(const struct fields *fields, const struct config_words *wanted,
                             struct arena *arena, struct account_names *out)
{
    for (size_t i = 0; i < wanted->n; i++) {
        struct str value;
        enum bff_err e = fields_find(fields, wanted->words[i], arena, &value);
        if (e == BFF_ERR_MISSING || (e == BFF_OK && value.n == 0))
            continue;
        if (e != BFF_OK)
            return e;
        if (!make_name('a', value, arena, &out->names[out->n++]))
            return BFF_ERR_NO_MEMORY;
    }
    return BFF_OK;
}

enum bff_err account_find(const struct backend_sent *sent, const struct config_words *fields,
                          struct str client_address, struct arena *arena, struct account_names *out)
{
    struct fields opened;
    *out = (struct account_names){.n = 0};
    enum bff_err e = BFF_OK;
    if (says_fields(sent->content_type)) {
        e = has_odd_charset(sent->content_type) ? BFF_ERR_BAD_REQUEST : fields_open(sent, &opened);
        if (e == BFF_OK) {
            e = find_all(&opened, fields, arena, out);
            fields_close(&opened);
        }
    }
    if (e == BFF_ERR_NO_MEMORY)
        return e;
    if (e == BFF_OK && out->n > 0)
        return BFF_OK;
    out->n = 1;
    bool is_named = e == BFF_OK ? make_name('@', client_address, arena, &out->names[0])
                                : make_name('?', STR(""), arena, &out->names[0]);
    return is_named ? BFF_OK : BFF_ERR_NO_MEMORY;
}
