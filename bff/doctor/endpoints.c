/* The requests of the walk, composed as bffd composes them. */
#include "doctor/fields.h"
#include "doctor/walk.h"

static enum bff_err compose_login(struct walk *w, struct backend_request *out)
{
    const struct login_fields fields = {
        .user_field = w->user_field,
        .user = w->options->user,
        .password = w->options->password,
        .is_empty = w->without_fields,
    };
    struct backend_sent sent = {.content_type = STR("application/json"),
                                .accept = STR("application/json")};
    if (!fields_write(&w->plan.login.send, &fields, &w->call, &sent.body))
        return BFF_ERR_NO_MEMORY;
    enum bff_err err = backend_compose_login(&w->plan.login, &sent, &w->call, out);
    return err == BFF_OK ? backend_sign(&w->plan, w->options->client_secret, &w->call, out) : err;
}

static enum bff_err compose_refresh(struct walk *w, struct backend_request *out)
{
    return backend_compose_refresh(&w->plan, w->options->client_secret, w->use_access,
                                   w->use_refresh, &w->call, out);
}

static enum bff_err compose_revoke(struct walk *w, struct backend_request *out)
{
    return backend_compose_revoke(&w->plan, w->options->client_secret, w->use_access,
                                  w->use_refresh, &w->call, out);
}

struct endpoint walk_at_login(struct walk *w)
{
    return (struct endpoint){CHAPTER_LOGIN, "login", &w->plan.login.request, compose_login};
}

struct endpoint walk_at_refresh(struct walk *w)
{
    return (struct endpoint){CHAPTER_REFRESH, "refresh", &w->plan.refresh.request, compose_refresh};
}

struct endpoint walk_at_revoke(struct walk *w)
{
    return (struct endpoint){CHAPTER_REVOKE, "revoke", &w->plan.revoke.request, compose_revoke};
}
