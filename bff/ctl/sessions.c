/* bffctl list, bffctl revoke: the sessions in Redis. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "ctl/command.h"
#include "store/store.h"

#define HEX_MAX (2 * SESSION_HASH_BYTES + 1)
#define USER_DIGITS 8 /* of its keyed hash, which names a user without telling who it is */

struct work {
    struct ctl *ctl;
    struct store *store;
    json_t *list;                                /* with --json */
    unsigned char (*hashes)[SESSION_HASH_BYTES]; /* to be ended; malloc()ed */
    size_t n, room;
    bool out_of_memory;
};

static struct store *open_store(struct ctl *ctl)
{
    struct store_options options = {
        .config = &ctl->config,
        .keys = ctl->setup->keys,
        .password = ctl->setup->password,
        .sentinel_password = ctl->setup->sentinel_password,
    };
    struct store *store = store_open(&options);
    if (!store)
        ctl_complain(STR("out of memory"));
    return store;
}

static void hex_of(struct str bytes, char text[HEX_MAX])
{
    struct buf b = buf_make(text, HEX_MAX - 1);
    buf_add_hex(&b, (const unsigned char *)bytes.p, bytes.n);
    text[b.n] = 0;
}

static bool is_wanted(const struct work *w, struct str user)
{
    return !w->ctl->user || store_is_user(w->store, str_from(w->ctl->user), user);
}

static void names_of(const struct store_visit *v, char id[HEX_MAX], char user[HEX_MAX])
{
    hex_of((struct str){(const char *)v->session.hash, SESSION_HASH_BYTES}, id);
    hex_of(v->user, user);
    user[USER_DIGITS] = 0;
}

static const char *device_text(struct device device, char text[64])
{
    struct str system = device_system(device);
    snprintf(text, 64, "%.*s%s%.*s", STR_ARG(device_browser(device)), system.n > 0 ? " on " : "",
             STR_ARG(system));
    return text;
}

/* --- list --- */

static bool show(const struct store_visit *v, void *self)
{
    struct work *w = self;
    const struct user_session *s = &v->session;
    char id[HEX_MAX], user[HEX_MAX], device[64], age[CTL_DURATION_MAX], seen[CTL_DURATION_MAX];
    int64_t now_s = (int64_t)time(NULL);
    if (!is_wanted(w, v->user))
        return true;
    names_of(v, id, user);
    device_text(s->device, device);
    w->n++;
    if (w->ctl->as_json) {
        json_t *one = json_pack("{s:s,s:s,s:I,s:I,s:s}", "id", id, "user", user, "created",
                                (json_int_t)(s->created_ms / 1000), "last_seen",
                                (json_int_t)(s->seen_ms / 1000), "device", device);
        w->out_of_memory = json_array_append_new(w->list, one) != 0;
        return !w->out_of_memory;
    }
    if (w->n == 1)
        printf("%-34s%-10s%-10s%-10s%s\n", "SESSION", "USER", "AGE", "SEEN", "DEVICE");
    printf("%-34s%-10s%-10s%-10s%s\n", id, user, ctl_duration(now_s - s->created_ms / 1000, age),
           ctl_duration(now_s - s->seen_ms / 1000, seen), device);
    return true;
}

static enum ctl_status complain_of_store(const struct work *w)
{
    return ctl_complain(str_from(store_last_error(w->store)));
}

enum ctl_status ctl_list(struct ctl *ctl)
{
    struct work w = {.ctl = ctl, .store = open_store(ctl)};
    if (!w.store)
        return CTL_FAILED;
    if (ctl->as_json)
        w.list = json_array();
    enum ctl_status status = CTL_OK;
    if (store_each_session(w.store, show, &w) != BFF_OK)
        status = complain_of_store(&w);
    else if (ctl->as_json)
        status = ctl_print_json(w.out_of_memory ? NULL : json_pack("{s:O}", "sessions", w.list));
    else
        printf("%zu sessions\n", w.n);
    json_decref(w.list);
    store_close(w.store);
    return status;
}

/* --- revoke --- */

static bool collect(const struct store_visit *v, void *self)
{
    struct work *w = self;
    if (!is_wanted(w, v->user))
        return true;
    if (w->n == w->room) {
        size_t room = w->room ? 2 * w->room : 256;
        void *grown = reallocarray(w->hashes, room, SESSION_HASH_BYTES);
        w->out_of_memory = !grown;
        if (!grown)
            return false;
        w->hashes = grown;
        w->room = room;
    }
    memcpy(w->hashes[w->n++], v->session.hash, SESSION_HASH_BYTES);
    return true;
}

static enum bff_err end_all(struct work *w, size_t *ended)
{
    for (size_t i = 0; i < w->n; i++) {
        enum bff_err err = store_end(w->store, w->hashes[i]);
        if (err == BFF_OK)
            ++*ended;
        else if (err != BFF_ERR_MISSING)
            return err;
    }
    return BFF_OK;
}

static bool read_id(const char *text, unsigned char hash[SESSION_HASH_BYTES])
{
    if (strlen(text) != 2 * SESSION_HASH_BYTES)
        return false;
    for (size_t i = 0; i < SESSION_HASH_BYTES; i++) {
        int high = str_hex_digit(text[2 * i]), low = str_hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        hash[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static enum ctl_status say_ended(const struct ctl *ctl, size_t ended)
{
    if (ctl->as_json)
        return ctl_print_json(json_pack("{s:I}", "ended", (json_int_t)ended));
    printf("%zu sessions ended\n", ended);
    return CTL_OK;
}

/* Which ones: first all that are wanted, so that none that begins meanwhile is met twice. */
static enum bff_err gather(struct work *w)
{
    if (!w->ctl->session)
        return store_each_session(w->store, collect, w);
    w->hashes = reallocarray(NULL, 1, SESSION_HASH_BYTES);
    w->out_of_memory = !w->hashes;
    if (w->hashes && read_id(w->ctl->session, w->hashes[0]))
        w->n = 1;
    return BFF_OK;
}

static bool says_which(const struct ctl *ctl)
{
    unsigned char hash[SESSION_HASH_BYTES];
    if ((ctl->user != NULL) + (ctl->session != NULL) + ctl->all != 1)
        ctl_complain(STR("say which sessions: --user ID, --session ID, or --all"));
    else if (ctl->session && !read_id(ctl->session, hash))
        ctl_complain(STR("--session wants 32 hexadecimal digits, as bffctl list shows them"));
    else
        return true;
    return false;
}

enum ctl_status ctl_revoke(struct ctl *ctl)
{
    struct work w = {.ctl = ctl};
    size_t ended = 0;
    enum ctl_status status = CTL_FAILED;
    if (!says_which(ctl))
        return CTL_USAGE;
    w.store = open_store(ctl);
    if (!w.store)
        return status;
    enum bff_err err = gather(&w);
    if (err == BFF_OK && !w.out_of_memory)
        err = end_all(&w, &ended);
    if (err != BFF_OK)
        complain_of_store(&w);
    else if (w.out_of_memory)
        ctl_complain(STR("out of memory"));
    else
        status = CTL_OK;
    enum ctl_status said = say_ended(ctl, ended);
    free(w.hashes);
    store_close(w.store);
    return status == CTL_OK ? said : status;
}
