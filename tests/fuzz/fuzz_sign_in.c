/*
 * What a browser sends to a login or capture: the request made of it has the shape of the template,
 * whatever the fields hold.
 * Input: one byte that chooses body and template, a line with the query, with
 * OWN_TEMPLATE a line with the template, then the body.
 */

#include "codec/backend.h"
#include "codec/form.h"
#include "codec/json.h"
#include "fuzz.h"
#include "fuzz_json.h"

#define FROM_FORM 1    /* the browser sends a form, else JSON */
#define TO_FORM 2      /* the backend gets a form, else JSON */
#define AS_IT_CAME 4   /* the body as it came */
#define OWN_TEMPLATE 8 /* the template is from the input */
#define NO_TYPE 16     /* without a content type */

#define JSON_TEMPLATE STR("{\"a\":\"$a\",\"n\":{\"b\":\"x-$b-$a\"},\"c\":1}")
#define FORM_TEMPLATE STR("grant_type=password&a=$a&b=x-$b-$a")

static void check_json(struct str body)
{
    json_t *root = json_read(body);
    demand(json_is_object(root) && json_object_size(root) == 3);
    demand(json_is_string(json_at(root, STR("/a"))));
    const json_t *nested = json_at(root, STR("/n/b"));
    demand(json_is_string(nested) && json_object_size(json_at(root, STR("/n"))) == 1);
    demand(str_starts(str_from(json_string_value(nested)), STR("x-")));
    json_decref(root);
}

/* The fields, decoded, are those of the browser's body. */
static void check_form(struct str body, const struct backend_sent *sent, bool from_form,
                       struct arena *arena)
{
    struct str a, b, sent_a, sent_b, expected;
    size_t pairs = 1;
    for (size_t i = 0; i < body.n; i++) {
        demand(body.p[i] > ' ' && body.p[i] < 0x7F);
        pairs += body.p[i] == '&';
    }
    demand(pairs == 3);
    demand(form_find(body, STR("a"), arena, &a) == BFF_OK);
    demand(form_find(body, STR("b"), arena, &b) == BFF_OK);
    if (!from_form)
        return;
    demand(form_find(sent->body, STR("a"), arena, &sent_a) == BFF_OK);
    demand(form_find(sent->body, STR("b"), arena, &sent_b) == BFF_OK);
    demand(str_eq(a, sent_a));
    char *p = arena_alloc(arena, 3 + sent_b.n + sent_a.n);
    demand(p != NULL);
    struct buf joined = buf_make(p, 3 + sent_b.n + sent_a.n);
    buf_add(&joined, STR("x-"));
    buf_add(&joined, sent_b);
    buf_add_char(&joined, '-');
    buf_add(&joined, sent_a);
    expected = buf_str(&joined);
    demand(str_eq(b, expected));
}

static void check_request(const struct backend_request *r, const struct backend_sent *sent,
                          uint8_t choice, struct arena *arena)
{
    for (size_t i = 0; i < r->path.n; i++)
        demand(r->path.p[i] > ' ' && r->path.p[i] < 0x7F && r->path.p[i] != '#');
    demand(r->accept.n > 0 && r->authorization.n + r->cookie.n == 0);
    if (choice & AS_IT_CAME)
        demand(str_eq(r->body, sent->body) && str_eq(r->content_type, sent->content_type));
    else if (choice & OWN_TEMPLATE)
        return;
    else if (choice & TO_FORM)
        check_form(r->body, sent, (choice & FROM_FORM) && !(choice & NO_TYPE), arena);
    else
        check_json(r->body);
}

static struct config_send send_of(uint8_t choice, struct str own)
{
    bool to_form = choice & TO_FORM;
    if (choice & AS_IT_CAME)
        return (struct config_send){.kind = SEND_BODY};
    struct str text = to_form ? FORM_TEMPLATE : JSON_TEMPLATE;
    return (struct config_send){to_form ? SEND_FORM : SEND_JSON,
                                choice & OWN_TEMPLATE ? own : text};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_once();
    if (size == 0)
        return 0;
    uint8_t choice = data[0];
    struct str_cut line = str_cut((struct str){(const char *)data + 1, size - 1}, '\n');
    struct backend_sent sent = {.query = line.head};
    if (!(choice & NO_TYPE))
        sent.content_type = choice & FROM_FORM ? STR(FORM_CONTENT_TYPE) : STR("application/json");
    struct str own = {NULL, 0};
    if (choice & OWN_TEMPLATE) {
        line = str_cut(line.tail, '\n');
        own = line.head;
    }
    sent.body = line.tail;
    const struct config_capture capture = {.request = {STR("POST"), STR("/login/")},
                                           .send = send_of(choice, own)};
    struct arena arena = arena_make(16 << 20);
    struct backend_request r = {.method = {NULL, 0}};
    enum bff_err e = backend_compose_login(&capture, &sent, &arena, &r);
    if (e == BFF_OK)
        check_request(&r, &sent, choice, &arena);
    else
        demand(r.method.n == 0);
    arena_free(&arena);
    return 0;
}
