/*
 * Under which names a login's attempts are counted: however it is written, one account has one
 * name, and there is always one. Input: a line with the content type, then the body.
 */
#include "codec/account.h"
#include "codec/form.h"
#include "codec/json.h"
#include "fuzz.h"
#include "fuzz_json.h"

static const struct config_words wanted = {.words = {{"username", 8}, {"email", 5}}, .n = 2};

static void check_names(const struct account_names *names)
{
    demand(names->n >= 1 && names->n <= wanted.n);
    for (size_t i = 0; i < names->n; i++) {
        struct str name = names->names[i];
        demand(name.n >= 1 && (name.p[0] == 'a' || name.p[0] == '@' || name.p[0] == '?'));
        for (size_t at = 0; at < name.n; at++) {
            unsigned char c = (unsigned char)name.p[at];
            demand(c > ' ' && c != 0x7F && !(c >= 'A' && c <= 'Z'));
        }
    }
}

/* The same account, shouted and with blanks around it. */
static void check_spelling(struct str value, struct arena *arena)
{
    char plain[16 + 3 * 256], odd[32 + 3 * 256];
    struct account_names a, b;
    struct backend_sent sent = {.content_type = STR(FORM_CONTENT_TYPE)};
    if (value.n > 256)
        return;
    struct buf form = buf_make(plain, sizeof plain);
    buf_add(&form, STR("username="));
    form_add(&form, value);
    sent.body = buf_str(&form);
    demand(account_find(&sent, &wanted, STR("::1"), arena, &a) == BFF_OK);
    form = buf_make(odd, sizeof odd);
    buf_add(&form, STR("username=+%09%C2%A0"));
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i] >= 'a' && value.p[i] <= 'z' ? (char)(value.p[i] - 32) : value.p[i];
        form_add(&form, (struct str){&c, 1});
    }
    buf_add(&form, STR("%0B"));
    sent.body = buf_str(&form);
    demand(account_find(&sent, &wanted, STR("::1"), arena, &b) == BFF_OK);
    check_names(&a);
    check_names(&b);
    /* An empty field is none, and a blank one is. */
    if (value.n > 0)
        demand(a.n == 1 && b.n == 1 && str_eq(a.names[0], b.names[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_once();
    struct str rest = {(const char *)data, size};
    struct backend_sent sent = {.content_type = take_line(&rest)};
    sent.body = rest;
    struct arena arena = arena_make(1 << 20);
    struct account_names names;
    demand(account_find(&sent, &wanted, STR("192.0.2.1"), &arena, &names) == BFF_OK);
    check_names(&names);
    check_spelling(sent.body, &arena);
    arena_free(&arena);
    return 0;
}
