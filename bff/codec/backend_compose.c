/* How a refresh, a revocation and an API call carry their tokens. */
#include "base/buf.h"
#include "codec/form.h"
#include "codec/request.h"
#include "codec/template.h"
#include "codec/token.h"

#define N_TOKENS 2

struct tokens {
    struct str access, refresh;
};

static bool fill(struct str text, const struct tokens *t, enum template_escape escape,
                 struct arena *arena, struct str *out)
{
    const struct template_variable variables[N_TOKENS] = {{STR("access"), t->access},
                                                          {STR("refresh"), t->refresh}};
    return template_fill(text, variables, N_TOKENS, escape, arena, out);
}

bool request_add_cookie(struct backend_request *request, struct str name, struct str value,
                        struct arena *arena)
{
    struct str before = request->cookie;
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
    request->cookie = buf_str(&b);
    return !b.overflowed;
}

bool request_is_type(struct str content_type, struct str media_type)
{
    return str_eq_nocase(str_trim(str_cut(content_type, ';').head), media_type);
}

static bool compose_body(const struct config_send *send, const struct tokens *t,
                         struct arena *arena, struct backend_request *r)
{
    switch (send->kind) {
    case SEND_NONE:
    case SEND_BODY: /* of a browser, which plays no part here */
        return true;
    case SEND_JSON:
        r->content_type = STR("application/json");
        return fill(send->text, t, TEMPLATE_JSON, arena, &r->body);
    case SEND_FORM:
        r->content_type = STR(FORM_CONTENT_TYPE);
        return fill(send->text, t, TEMPLATE_FORM, arena, &r->body);
    case SEND_COOKIE:
        return request_add_cookie(r, send->text, t->refresh, arena);
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
    if (!fill(attach->value, t, TEMPLATE_PLAIN, arena, &value))
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
    if (attach->value.n > 0 && !fill(attach->value, t, TEMPLATE_PLAIN, arena, &value))
        return false;
    return request_add_cookie(out, attach->name, value, arena);
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
