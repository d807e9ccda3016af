/*
 * May this request use the session? Cross-site request forgery is decided before anything else is
 * looked at, from what browsers say of a request's origin and pages cannot forge:
 *
 *   Sec-Fetch-Site present   decides (W3C Fetch Metadata): unsafe requests need "same-origin"
 *   else Origin present      must be our own, exactly (RFC 6454, section 7)
 *   else                     a client that is no browser: unsafe requests need X-CSRF: 1, which no
 *                            foreign page can send without a preflight
 *
 * Unsafe is every method but GET, HEAD and OPTIONS (RFC 9110, 9.2.1), and every WebSocket upgrade:
 * its handshake is a GET that a foreign page may send with cookies.
 */
#ifndef BFF_CORE_CSRF_H
#define BFF_CORE_CSRF_H

#include "core/config.h"

struct csrf_request {
    struct str method;
    struct str upgrade;            /* the Upgrade header; empty: none */
    struct str sec_fetch_site;     /* empty: absent */
    struct str origin;             /* empty: absent */
    struct str x_csrf;             /* empty: absent */
    bool duplicated;               /* one of those headers came twice: no browser sends that */
    struct str scheme, host, port; /* as nginx normalised them, never the raw Host header */
};

struct csrf_rules {
    const struct config_words *origins; /* own origins; none: scheme, host and port decide */
    bool require_header;                /* X-CSRF: 1 on every unsafe method, besides the above */
};

bool csrf_allows(const struct csrf_rules *rules, const struct csrf_request *r);

/*
 * Does nothing but the method's safety and Sec-Fetch-Site (or that neither it nor an Origin is
 * there) make this request one that is allowed? Then so are all of that kind, by any rules and at
 * any host: nginx' micro-cache may answer one as the other. The same stands as a regular
 * expression in nginx/bff-microcache-http.conf.
 */
bool csrf_is_own_read(const struct csrf_request *r);

#endif
