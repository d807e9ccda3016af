/* What cannot work in the description of a backend, though each of its values may stand. */
#include "core/config_internal.h"

static bool sends_refresh_token(const struct config_send *send)
{
    return send->kind == SEND_COOKIE || config_find_variables(send->text).n_refresh > 0;
}

static bool sends_a_token(const struct config_send *send)
{
    return sends_refresh_token(send) || config_find_variables(send->text).n_access > 0;
}

static bool check_refresh(struct config_reading *reading, const struct config *config)
{
    if (!sends_a_token(&config->refresh.send) && !config->refresh.auth_access)
        return config_refuse(
            reading, config_line_of(reading, OPTION_refresh_send, OPTION_refresh_send),
            SETTING_FORMAT " carries no token: it needs $refresh or $access, or " KEY_FORMAT
                           " = access",
            SETTING_ARGS(OPTION_refresh_send), KEY_ARGS(OPTION_refresh_auth));
    if (sends_refresh_token(&config->refresh.send) && config->login.refresh.n == 0)
        return config_refuse(reading,
                             config_line_of(reading, OPTION_login_refresh, OPTION_refresh_send),
                             KEY_FORMAT " is empty, but " KEY_FORMAT " sends the refresh token: "
                                        "say where the login's answer holds it",
                             KEY_ARGS(OPTION_login_refresh), KEY_ARGS(OPTION_refresh_send));
    return true;
}

/* Statuses that say "later", not "never" (RFC 9110, 15.5.9; RFC 8470, 5.2; RFC 6585, 4). */
static bool check_dead(struct config_reading *reading, const struct config *config)
{
    for (size_t i = 0; i < config->refresh.dead.n_statuses; i++) {
        unsigned status = config->refresh.dead.statuses[i];
        if (status == 408 || status == 425 || status == 429)
            return config_refuse(reading,
                                 config_line_of(reading, OPTION_refresh_dead, OPTION_refresh_dead),
                                 SETTING_FORMAT ": %u means \"try later\" and must end no session",
                                 SETTING_ARGS(OPTION_refresh_dead), status);
    }
    return true;
}

static bool check_revoke(struct config_reading *reading, const struct config *config)
{
    if (config->revoke.request.method.n == 0 || config->revoke.auth_access ||
        sends_a_token(&config->revoke.send))
        return true;
    return config_refuse(reading,
                         config_line_of(reading, OPTION_revoke_send, OPTION_revoke_request),
                         KEY_FORMAT " carries no token: it needs " KEY_FORMAT
                                    " with $refresh or $access, or " KEY_FORMAT " = access",
                         KEY_ARGS(OPTION_revoke_request), KEY_ARGS(OPTION_revoke_send),
                         KEY_ARGS(OPTION_revoke_auth));
}

static bool is_form_sent(const struct config_send *send, const struct config_call *call)
{
    return call->method.n == 0 || send->kind == SEND_FORM;
}

/* The id goes into a form: each of the three calls has to send one. */
static bool check_client_form(struct config_reading *reading, const struct config *config)
{
    enum config_id without;
    if (!is_form_sent(&config->login.send, &config->login.request))
        without = OPTION_login_send;
    else if (!is_form_sent(&config->refresh.send, &config->refresh.request))
        without = OPTION_refresh_send;
    else if (!is_form_sent(&config->revoke.send, &config->revoke.request))
        without = OPTION_revoke_send;
    else
        return true;
    if (config->client.auth == CLIENT_FORM)
        return config_refuse(reading, config_line_of(reading, OPTION_client_auth, without),
                             SETTING_FORMAT " needs forms, but " KEY_FORMAT " = %.*s",
                             SETTING_ARGS(OPTION_client_auth), SETTING_ARGS(without));
    return config_refuse(
        reading, config_line_of(reading, OPTION_client_id, without),
        KEY_FORMAT " without " KEY_FORMAT " is sent in forms, but " KEY_FORMAT " = %.*s",
        KEY_ARGS(OPTION_client_id), KEY_ARGS(OPTION_client_secret_file), SETTING_ARGS(without));
}

static bool check_client(struct config_reading *reading, const struct config *config)
{
    if (config->client.id.n == 0 && config->client.secret_file.n > 0)
        return config_refuse(
            reading, config_line_of(reading, OPTION_client_secret_file, OPTION_client_secret_file),
            KEY_FORMAT " needs " KEY_FORMAT, KEY_ARGS(OPTION_client_secret_file),
            KEY_ARGS(OPTION_client_id));
    if (config->client.id.n == 0)
        return true;
    if (config->client.auth == CLIENT_FORM || config->client.secret_file.n == 0)
        return check_client_form(reading, config);
    bool is_taken = config->backend.attach.kind == ATTACH_HEADER &&
                    str_eq_nocase(config->backend.attach.name, STR("Authorization"));
    bool revoke_asks = config->revoke.auth_access && config->revoke.request.method.n > 0;
    if (!is_taken || (!config->refresh.auth_access && !revoke_asks))
        return true;
    enum config_id other = config->refresh.auth_access ? OPTION_refresh_auth : OPTION_revoke_auth;
    return config_refuse(reading, config_line_of(reading, OPTION_client_auth, other),
                         SETTING_FORMAT " and " SETTING_FORMAT
                                        " both want the header Authorization of one call",
                         SETTING_ARGS(OPTION_client_auth), SETTING_ARGS(other));
}

static bool is_told_by(const struct config_expiry *expiry, const struct config_token *token)
{
    if (expiry->kind != EXPIRY_MAX_AGE || token->n == 0)
        return true;
    for (size_t i = 0; i < token->n; i++)
        if (token->places[i].place == TOKEN_IN_COOKIE)
            return true;
    return false;
}

static bool refuse_max_age(struct config_reading *reading, unsigned line, struct str section,
                           enum config_id expiry, enum config_id token)
{
    return config_refuse(reading, line,
                         "%.*s.%.*s = max-age is that of a cookie, but no place of %.*s.%.*s is "
                         "one",
                         STR_ARG(section), STR_ARG(config_options[expiry].key), STR_ARG(section),
                         STR_ARG(config_options[token].key));
}

static bool check_section_expiry(struct config_reading *reading, enum config_id expiry_id,
                                 enum config_id token_id, const struct config_expiry *expiry,
                                 const struct config_token *token)
{
    return is_told_by(expiry, token) ||
           refuse_max_age(reading, config_line_of(reading, expiry_id, token_id),
                          config_options[expiry_id].section, expiry_id, token_id);
}

static bool check_expiries(struct config_reading *reading, const struct config *config)
{
#define CHECK(section, token)                                                                      \
    check_section_expiry(reading, OPTION_##section##_##token##_expiry, OPTION_##section##_##token, \
                         &config->section.token##_expiry, &config->section.token)
    return CHECK(login, access) && CHECK(login, refresh) && CHECK(refresh, access) &&
           CHECK(refresh, refresh);
#undef CHECK
}

/* Of the first of the two keys that stands in the file for this capture. */
static unsigned line_in(const struct config_raw_capture *capture, size_t a, size_t b)
{
    if (capture->raw[a].origin == FROM_FILE)
        return capture->raw[a].line;
    return capture->raw[b].origin == FROM_FILE ? capture->raw[b].line : capture->line;
}

static bool check_capture_expiries(struct config_reading *reading, const struct config *config,
                                   size_t i)
{
    const struct config_raw_capture *raw = &reading->captures[i];
    const struct config_capture *capture = &config->captures[i];
    if (!is_told_by(&capture->access_expiry, &capture->access))
        return refuse_max_age(reading, line_in(raw, LOGIN_access_expiry, LOGIN_access),
                              raw->section, OPTION_login_access_expiry, OPTION_login_access);
    if (!is_told_by(&capture->refresh_expiry, &capture->refresh))
        return refuse_max_age(reading, line_in(raw, LOGIN_refresh_expiry, LOGIN_refresh),
                              raw->section, OPTION_login_refresh_expiry, OPTION_login_refresh);
    return true;
}

static bool refuse_request(struct config_reading *reading, const struct config_call *request,
                           size_t i, struct str other, unsigned other_line)
{
    const struct config_raw_capture *capture = &reading->captures[i];
    unsigned line = line_in(capture, LOGIN_request, LOGIN_request);
    return config_refuse(reading, line ? line : other_line,
                         "%.*s.request = %.*s %.*s is that of %.*s.request already",
                         STR_ARG(capture->section), STR_ARG(request->method),
                         STR_ARG(request->path), STR_ARG(other));
}

/* Which request is meant is told by method and path alone. */
static bool check_capture_request(struct config_reading *reading, const struct config *config,
                                  size_t i)
{
    static const enum config_id ids[] = {OPTION_login_request, OPTION_refresh_request,
                                         OPTION_revoke_request};
    const struct config_call *const calls[] = {&config->login.request, &config->refresh.request,
                                               &config->revoke.request};
    const struct config_call *request = &config->captures[i].request;
    for (size_t j = 0; j < 3; j++)
        if (config_is_same_call(request, calls[j]))
            return refuse_request(reading, request, i, config_options[ids[j]].section,
                                  config_line_of(reading, ids[j], ids[j]));
    for (size_t j = 0; j < i; j++)
        if (config_is_same_call(request, &config->captures[j].request))
            return refuse_request(reading, request, i, reading->captures[j].section,
                                  line_in(&reading->captures[j], LOGIN_request, LOGIN_request));
    return true;
}

static bool check_captures(struct config_reading *reading, const struct config *config)
{
    for (size_t i = 0; i < config->n_captures; i++)
        if (!check_capture_request(reading, config, i) ||
            !check_capture_expiries(reading, config, i))
            return false;
    return true;
}

/* Two cookies of one name in one request: which of them counts is anybody's guess (RFC 6265, 5.4).
 */
static bool check_csrf_cookie(struct config_reading *reading, const struct config *config)
{
    struct str name = config->backend.csrf_cookie;
    enum config_id other = OPTION_backend_csrf_cookie;
    if (name.n == 0)
        return true;
    if (config->backend.attach.kind == ATTACH_COOKIE && str_eq(name, config->backend.attach.name))
        other = OPTION_backend_attach;
    if (config->refresh.send.kind == SEND_COOKIE && str_eq(name, config->refresh.send.text))
        other = OPTION_refresh_send;
    if (config->revoke.send.kind == SEND_COOKIE && str_eq(name, config->revoke.send.text))
        other = OPTION_revoke_send;
    if (other == OPTION_backend_csrf_cookie)
        return true;
    return config_refuse(reading, config_line_of(reading, OPTION_backend_csrf_cookie, other),
                         SETTING_FORMAT " is the cookie of " KEY_FORMAT " already",
                         SETTING_ARGS(OPTION_backend_csrf_cookie), KEY_ARGS(other));
}

/* What the frontend calls tells which of the three it wants. */
static bool check_compat(struct config_reading *reading, const struct config *config)
{
    static const enum config_id ids[] = {OPTION_login_request, OPTION_refresh_request,
                                         OPTION_revoke_request};
    const struct config_call *const calls[] = {&config->login.request, &config->refresh.request,
                                               &config->revoke.request};
    for (size_t i = 1; i < 3 && config->compat.enabled; i++)
        for (size_t j = 0; j < i; j++)
            if (config_is_same_call(calls[i], calls[j]))
                return config_refuse(
                    reading, config_line_of(reading, OPTION_compat_enabled, ids[i]),
                    SETTING_FORMAT ": " KEY_FORMAT " and " KEY_FORMAT
                                   " are one request, so what the frontend wants cannot be told",
                    SETTING_ARGS(OPTION_compat_enabled), KEY_ARGS(ids[j]), KEY_ARGS(ids[i]));
    return true;
}

bool config_check_backend(struct config_reading *reading, const struct config *config)
{
    return check_refresh(reading, config) && check_dead(reading, config) &&
           check_revoke(reading, config) && check_client(reading, config) &&
           check_expiries(reading, config) && check_captures(reading, config) &&
           check_csrf_cookie(reading, config) && check_compat(reading, config);
}
