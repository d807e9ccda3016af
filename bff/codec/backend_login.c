/* The request of a login or capture, from what the browser sent. */
#include "base/buf.h"
#include "codec/fields.h"
#include "codec/form.h"
#include "codec/request.h"
#include "codec/template.h"

static size_t count_names(struct str text)
{
    size_t n = 0;
    struct str name;
    while (template_next_name(&text, &name))
        n++;
    return n;
}

static enum bff_err fill(struct str text, const struct fields *fields, enum template_escape escape,
                         struct arena *arena, struct str *out)
{
    size_t n = 0;
    struct str rest = text, name;
    struct template_variable *variables = arena_alloc(arena, count_names(text) * sizeof *variables);
    if (!variables)
        return BFF_ERR_NO_MEMORY;
    while (template_next_name(&rest, &name)) {
        variables[n].name = name;
        enum bff_err e = fields_find(fields, name, arena, &variables[n++].value);
        if (e)
            return e == BFF_ERR_MISSING ? BFF_ERR_BAD_REQUEST : e;
    }
    return template_fill(text, variables, n, escape, arena, out) ? BFF_OK : BFF_ERR_NO_MEMORY;
}

static enum bff_err fill_template(const struct config_send *send, const struct backend_sent *sent,
                                  struct arena *arena, struct backend_request *r)
{
    bool as_json = send->kind == SEND_JSON;
    struct fields fields;
    enum bff_err e = fields_open(sent, &fields);
    if (e)
        return e;
    r->content_type = as_json ? STR("application/json") : STR(FORM_CONTENT_TYPE);
    e = fill(send->text, &fields, as_json ? TEMPLATE_JSON : TEMPLATE_FORM, arena, &r->body);
    fields_close(&fields);
    return e;
}

static enum bff_err compose_body(const struct config_send *send, const struct backend_sent *sent,
                                 struct arena *arena, struct backend_request *r)
{
    switch (send->kind) {
    case SEND_BODY:
        r->content_type = sent->content_type;
        r->body = sent->body;
        return BFF_OK;
    case SEND_JSON:
    case SEND_FORM:
        return fill_template(send, sent, arena, r);
    case SEND_NONE:
    case SEND_COOKIE: /* there is no token yet that a cookie could carry */
        return BFF_OK;
    }
    return BFF_OK;
}

/* What a request line may hold (RFC 3986, 3.4), and a '#' would cut off what follows. */
static bool is_query(struct str query)
{
    for (size_t i = 0; i < query.n; i++)
        if (query.p[i] <= ' ' || query.p[i] >= 0x7F || query.p[i] == '#')
            return false;
    return true;
}

static bool join_path(struct str path, struct str query, struct arena *arena, struct str *out)
{
    *out = path;
    if (query.n == 0)
        return true;
    size_t cap = path.n + 1 + query.n;
    char *memory = arena_alloc(arena, cap);
    if (!memory)
        return false;
    struct buf b = buf_make(memory, cap);
    buf_add(&b, path);
    buf_add_char(&b, str_contains(path, STR("?")) ? '&' : '?');
    buf_add(&b, query);
    *out = buf_str(&b);
    return true;
}

enum bff_err backend_compose_login(const struct config_capture *capture,
                                   const struct backend_sent *sent, struct arena *arena,
                                   struct backend_request *out)
{
    struct backend_request r = {
        .method = capture->request.method,
        .accept = sent->accept.n > 0 ? sent->accept : STR("application/json"),
    };
    if (!is_query(sent->query))
        return BFF_ERR_BAD_REQUEST;
    if (!join_path(capture->request.path, sent->query, arena, &r.path))
        return BFF_ERR_NO_MEMORY;
    enum bff_err e = compose_body(&capture->send, sent, arena, &r);
    if (!e)
        *out = r;
    return e;
}
