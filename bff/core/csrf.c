#include "core/csrf.h"

static bool is_safe_method(struct str m)
{
    return str_eq(m, STR("GET")) || str_eq(m, STR("HEAD")) || str_eq(m, STR("OPTIONS"));
}

static bool is_default_port(struct str scheme, struct str port)
{
    return port.n == 0 || (str_eq(scheme, STR("https")) && str_eq(port, STR("443"))) ||
           (str_eq(scheme, STR("http")) && str_eq(port, STR("80")));
}

/* Take `part` off the front of *s; false if it does not stand there. */
static bool take(struct str *s, struct str part)
{
    if (!str_starts(*s, part))
        return false;
    *s = (struct str){s->p + part.n, s->n - part.n};
    return true;
}

static bool is_where_we_are(const struct csrf_request *r)
{
    struct str rest = r->origin;
    if (r->scheme.n == 0 || r->host.n == 0)
        return false;
    if (!take(&rest, r->scheme) || !take(&rest, STR("://")) || !take(&rest, r->host))
        return false;
    if (is_default_port(r->scheme, r->port))
        return rest.n == 0;
    return take(&rest, STR(":")) && str_eq(rest, r->port);
}

static bool is_own_origin(const struct csrf_rules *rules, const struct csrf_request *r)
{
    if (rules->origins->n == 0)
        return is_where_we_are(r);
    for (size_t i = 0; i < rules->origins->n; i++)
        if (str_eq(rules->origins->words[i], r->origin))
            return true;
    return false;
}

bool csrf_allows(const struct csrf_rules *rules, const struct csrf_request *r)
{
    bool safe_method = is_safe_method(r->method);
    bool safe = safe_method && r->upgrade.n == 0;
    if (r->duplicated)
        return false;
    /* A WebSocket handshake cannot carry headers of a page's choice, so it is not asked for one. */
    if (rules->require_header && !safe_method && !str_eq(r->x_csrf, STR("1")))
        return false;
    if (r->sec_fetch_site.n > 0)
        /* "none" is a person typing an address: harmless for what is safe, and never a form. */
        return str_eq(r->sec_fetch_site, STR("same-origin")) ||
               (safe && str_eq(r->sec_fetch_site, STR("none")));
    if (r->origin.n > 0)
        return is_own_origin(rules, r);
    return safe || str_eq(r->x_csrf, STR("1"));
}

bool csrf_is_own_read(const struct csrf_request *r)
{
    if (r->duplicated || !is_safe_method(r->method) || r->upgrade.n > 0)
        return false;
    if (r->sec_fetch_site.n > 0)
        return str_eq(r->sec_fetch_site, STR("same-origin")) ||
               str_eq(r->sec_fetch_site, STR("none"));
    return r->origin.n == 0;
}
