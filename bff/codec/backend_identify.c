/* What bffd says of itself to a backend: its OAuth client, and Django's CSRF double submit. */
#include <sodium.h>

#include "base/buf.h"
#include "codec/form.h"
#include "codec/request.h"

#define CSRF_TOKEN_LENGTH 64 /* of Django's own: letters and digits */

static bool add_basic(struct str id, struct str secret, struct arena *arena,
                      struct backend_request *request)
{
    const struct str scheme = STR("Basic ");
    size_t plain_cap = 3 * id.n + 1 + 3 * secret.n;
    size_t cap = scheme.n + sodium_base64_ENCODED_LEN(plain_cap, sodium_base64_VARIANT_ORIGINAL);
    char *memory = arena_alloc(arena, plain_cap), *value = arena_alloc(arena, cap);
    if (!memory || !value)
        return false;
    struct buf plain = buf_make(memory, plain_cap), head = buf_make(value, cap);
    form_add(&plain, id);
    buf_add_char(&plain, ':');
    form_add(&plain, secret);
    buf_add(&head, scheme);
    sodium_bin2base64(value + head.n, cap - head.n, (const unsigned char *)plain.p, plain.n,
                      sodium_base64_VARIANT_ORIGINAL);
    request->authorization = str_from(value);
    return true;
}

static bool add_fields(struct str id, struct str secret, struct arena *arena,
                       struct backend_request *request)
{
    const struct str id_field = STR("client_id="), secret_field = STR("&client_secret=");
    size_t cap = request->body.n + 1 + id_field.n + 3 * id.n + secret_field.n + 3 * secret.n;
    char *memory = arena_alloc(arena, cap);
    if (!memory)
        return false;
    struct buf b = buf_make(memory, cap);
    buf_add(&b, request->body);
    if (request->body.n > 0)
        buf_add_char(&b, '&');
    buf_add(&b, id_field);
    form_add(&b, id);
    if (secret.n > 0) {
        buf_add(&b, secret_field);
        form_add(&b, secret);
    }
    request->body = buf_str(&b);
    return true;
}

enum bff_err backend_identify(const struct config *config, struct str secret, struct arena *arena,
                              struct backend_request *request)
{
    bool ok = true;
    if (config->client.id.n == 0)
        return BFF_OK;
    if (config->client.auth == CLIENT_BASIC && secret.n > 0)
        ok = add_basic(config->client.id, secret, arena, request);
    else if (request_is_type(request->content_type, STR(FORM_CONTENT_TYPE)))
        ok = add_fields(config->client.id, secret, arena, request);
    return ok ? BFF_OK : BFF_ERR_NO_MEMORY;
}

enum bff_err backend_double_submit(const struct config *config, struct arena *arena,
                                   struct backend_request *request)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    if (config->backend.csrf_cookie.n == 0)
        return BFF_OK;
    char *value = arena_alloc(arena, CSRF_TOKEN_LENGTH);
    if (!value)
        return BFF_ERR_NO_MEMORY;
    /* One system call for all. The remainder favours a few letters, which is no secret's loss here:
     * the value only has to be equal to itself. */
    randombytes_buf(value, CSRF_TOKEN_LENGTH);
    for (size_t i = 0; i < CSRF_TOKEN_LENGTH; i++)
        value[i] = alphabet[(unsigned char)value[i] % (sizeof alphabet - 1)];
    struct str token = {value, CSRF_TOKEN_LENGTH};
    if (!request_add_cookie(request, config->backend.csrf_cookie, token, arena))
        return BFF_ERR_NO_MEMORY;
    request->csrf_token = token;
    return BFF_OK;
}
