#include "codec/backend.h"

enum bff_err backend_sign(const struct config *config, struct str secret, struct arena *arena,
                          struct backend_request *request)
{
    enum bff_err e = backend_identify(config, secret, arena, request);
    return e ? e : backend_double_submit(config, arena, request);
}

/* In one call Authorization has one use: config_parse() refuses credentials and a token in it. */
static enum bff_err finish(const struct config *config, struct str secret, bool with_access,
                           struct str access, struct arena *arena, struct backend_request *request)
{
    enum bff_err e =
        with_access ? backend_attach(&config->backend.attach, access, arena, request) : BFF_OK;
    return e ? e : backend_sign(config, secret, arena, request);
}

enum bff_err backend_compose_refresh(const struct config *config, struct str secret,
                                     struct str access, struct str refresh, struct arena *arena,
                                     struct backend_request *out)
{
    enum bff_err e = backend_compose(&config->refresh.request, &config->refresh.send, access,
                                     refresh, arena, out);
    return e ? e : finish(config, secret, config->refresh.auth_access, access, arena, out);
}

enum bff_err backend_compose_revoke(const struct config *config, struct str secret,
                                    struct str access, struct str refresh, struct arena *arena,
                                    struct backend_request *out)
{
    enum bff_err e =
        backend_compose(&config->revoke.request, &config->revoke.send, access, refresh, arena, out);
    return e ? e : finish(config, secret, config->revoke.auth_access, access, arena, out);
}
