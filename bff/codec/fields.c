#include "codec/fields.h"

#include "codec/form.h"
#include "codec/json.h"
#include "codec/request.h"

static bool is_json(struct str content_type)
{
    return content_type.n == 0 || request_is_type(content_type, STR("application/json"));
}

enum bff_err fields_open(const struct backend_sent *sent, struct fields *out)
{
    *out = (struct fields){.form = sent->body};
    if (request_is_type(sent->content_type, STR(FORM_CONTENT_TYPE)))
        return BFF_OK;
    if (!is_json(sent->content_type))
        return BFF_ERR_BAD_REQUEST;
    json_t *value = json_read(sent->body);
    if (!json_is_object(value)) {
        json_decref(value);
        return BFF_ERR_BAD_REQUEST;
    }
    out->object = value;
    return BFF_OK;
}

void fields_close(struct fields *fields)
{
    json_decref(fields->object);
    fields->object = NULL;
}

static enum bff_err find_member(const json_t *object, struct str name, struct arena *arena,
                                struct str *value)
{
    const json_t *member = json_object_getn(object, name.p, name.n);
    if (!member)
        return BFF_ERR_MISSING;
    if (!json_is_string(member) && !json_is_number(member) && !json_is_boolean(member))
        return BFF_ERR_BAD_REQUEST;
    struct json_scalar scalar = json_scalar(member, arena);
    return scalar.is_one && arena_copy(arena, scalar.text, value) ? BFF_OK : BFF_ERR_NO_MEMORY;
}

enum bff_err fields_find(const struct fields *fields, struct str name, struct arena *arena,
                         struct str *value)
{
    if (fields->object)
        return find_member(fields->object, name, arena, value);
    enum bff_err e = form_find(fields->form, name, arena, value);
    return e == BFF_OK || e == BFF_ERR_NO_MEMORY || e == BFF_ERR_MISSING ? e : BFF_ERR_BAD_REQUEST;
}
