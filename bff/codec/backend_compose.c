/* How a request to the backend is built. */
#include "base/buf.h"
#include "codec/backend.h"
#include "codec/token.h"

#define ESCAPED_MAX 3 /* bytes for one of visible ASCII: "%2B" in a form, "\\\"" in JSON */

enum escape { ESCAPE_NONE, ESCAPE_JSON, ESCAPE_FORM };

struct tokens {
    struct str access, refresh;
};

/* application/x-www-form-urlencoded: what is not unreserved (RFC 3986, 2.3) is percent-encoded. */
static void add_form(struct buf *b, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        char triple[3] = {'%', digits[c >> 4], digits[c & 15]};
        buf_add(b, unreserved ? (struct str){&s.p[i], 1} : (struct str){triple, 3});
    }
}

static void add_escaped(struct buf *b, struct str token, enum escape escape)
{
    switch (escape) {
    case ESCAPE_NONE:
        buf_add(b, token);
        return;
    case ESCAPE_JSON:
        buf_add_json(b, token);
        return;
    case ESCAPE_FORM:
        add_form(b, token);
        return;
    }
}

/* The token that the template names here, and the length of its name; 0 if there is none. */
static size_t named_token(struct str at, const struct tokens *t, struct str *token)
{
    const struct str access = STR("$access"), refresh = STR("$refresh");
    if (str_starts(at, access)) {
        *token = t->access;
        return access.n;
    }
    if (str_starts(at, refresh)) {
        *token = t->refresh;
        return refresh.n;
    }
    return 0;
}

static struct str after(struct str s, size_t n)
{
    return (struct str){s.p + n, s.n - n};
}

static size_t filled_size(struct str text, const struct tokens *t)
{
    size_t size = text.n;
    for (struct str at = text; at.n > 0; at = after(at, 1)) {
        struct str token;
        if (named_token(at, t, &token) > 0)
            size += ESCAPED_MAX * token.n;
    }
    return size;
}

/* One pass: a "$refresh" inside a token is only text. */
static bool fill(struct str text, const struct tokens *t, enum escape escape, struct arena *arena,
                 struct str *out)
{
    size_t cap = filled_size(text, t);
    char *memory = arena_alloc(arena, cap);
    if (!memory)
        return false;
    struct buf b = buf_make(memory, cap);
    while (text.n > 0) {
        struct str token;
        size_t n = named_token(text, t, &token);
        if (n > 0)
            add_escaped(&b, token, escape);
        else
            buf_add(&b, (struct str){text.p, n = 1});
        text = after(text, n);
    }
    *out = buf_str(&b);
    return !b.overflowed;
}

/* "before; name=value" */
static bool add_cookie(struct str before, struct str name, struct str value, struct arena *arena,
                       struct str *out)
{
    size_t cap = before.n + 2 + name.n + 1 + value.n;
    char *memory = arena_alloc(arena, cap);
    if (!memory)
        return false;
    struct buf b = buf_make(memory, cap);
    buf_add(&b, before);
    if (before.n > 0)
        buf_add(&b, STR("; "));
    buf_add(&b, name);
    buf_add_char(&b, '=');
    buf_add(&b, value);
    *out = buf_str(&b);
    return !b.overflowed;
}

static bool compose_body(const struct config_send *send, const struct tokens *t,
                         struct arena *arena, struct backend_request *r)
{
    switch (send->kind) {
    case SEND_NONE:
        return true;
    case SEND_JSON:
        r->content_type = STR("application/json");
        return fill(send->text, t, ESCAPE_JSON, arena, &r->body);
    case SEND_FORM:
        r->content_type = STR("application/x-www-form-urlencoded");
        return fill(send->text, t, ESCAPE_FORM, arena, &r->body);
    case SEND_COOKIE:
        return add_cookie((struct str){NULL, 0}, send->text, t->refresh, arena, &r->cookie);
    }
    return false;
}

enum bff_err backend_compose(const struct config_call *call, const struct config_send *send,
                             struct str access, struct str refresh, struct arena *arena,
                             struct backend_request *out)
{
    struct tokens t = {access, refresh};
    struct backend_request r = {
        .method = call->method, .path = call->path, .accept = STR("application/json")};
    if (!token_is_visible(access) || !token_is_visible(refresh))
        return BFF_ERR_MALFORMED;
    if (send->kind == SEND_COOKIE && !token_fits_cookie(refresh))
        return BFF_ERR_MALFORMED;
    if (!compose_body(send, &t, arena, &r))
        return BFF_ERR_NO_MEMORY;
    *out = r;
    return BFF_OK;
}

static bool attach_header(const struct config_attach *attach, const struct tokens *t,
                          struct arena *arena, struct backend_request *out)
{
    struct str value;
    if (!fill(attach->value, t, ESCAPE_NONE, arena, &value))
        return false;
    if (str_eq_nocase(attach->name, STR("Authorization"))) {
        out->authorization = value;
        return true;
    }
    return arena_printf(arena, &out->attach_header, "%.*s: %.*s", STR_ARG(attach->name),
                        STR_ARG(value));
}

static bool attach_cookie(const struct config_attach *attach, const struct tokens *t,
                          struct arena *arena, struct backend_request *out)
{
    struct str value = t->access;
    if (attach->value.n > 0 && !fill(attach->value, t, ESCAPE_NONE, arena, &value))
        return false;
    return add_cookie(out->cookie, attach->name, value, arena, &out->cookie);
}

enum bff_err backend_attach(const struct config_attach *attach, struct str access,
                            struct arena *arena, struct backend_request *out)
{
    struct tokens t = {.access = access};
    bool is_cookie = attach->kind == ATTACH_COOKIE;
    if (access.n == 0 || !(is_cookie ? token_fits_cookie(access) : token_is_visible(access)))
        return BFF_ERR_MALFORMED;
    bool ok =
        is_cookie ? attach_cookie(attach, &t, arena, out) : attach_header(attach, &t, arena, out);
    return ok ? BFF_OK : BFF_ERR_NO_MEMORY;
}
