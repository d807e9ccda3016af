/* bffctl rotate-key: the server key is changed in three steps, none of which ends a session. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/send.h"
#include "base/wipe.h"
#include "ctl/command.h"
#include "ctl/key_file.h"

/* Hosts are reloaded one after the other: who came last has sealed with the old key until then. */
#define RELOAD_SECONDS 3600

struct rotation {
    struct ctl *ctl;
    const struct keyring *keys;
    char *path; /* of the file itself, links followed; malloc()ed */
    struct str text;
    struct key_file_state state;
    json_t *loaded; /* ids of the keys that the running bffd has read; NULL: it cannot be asked */
};

static void iso_time(char text[KEY_FILE_TIME + 1])
{
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(text, KEY_FILE_TIME + 1, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* When the last session that an older key may have sealed is over; 0: not known. */
static int64_t over_s(const struct rotation *r)
{
    char text[KEY_FILE_TIME + 1] = "";
    struct tm tm = {0};
    if (r->state.since.n != KEY_FILE_TIME)
        return 0;
    memcpy(text, r->state.since.p, KEY_FILE_TIME);
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (!end || *end)
        return 0;
    return (int64_t)timegm(&tm) + r->ctl->config.session.absolute_s + RELOAD_SECONDS;
}

/* --- writing the file --- */

/* Beside the old one, with its owner and mode, and in its place only when all of it is on disk. */
static bool replace_file(const char *path, struct str text)
{
    char fresh[PATH_MAX];
    struct stat st;
    int n = snprintf(fresh, sizeof fresh, "%s.new", path);
    errno = ENAMETOOLONG;
    if ((size_t)n >= sizeof fresh || stat(path, &st) != 0)
        return false;
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool ok = fchown(fd, st.st_uid, st.st_gid) == 0 && fchmod(fd, st.st_mode & 07777) == 0 &&
              write_all(fd, text) && fsync(fd) == 0;
    ok = close(fd) == 0 && ok && rename(fresh, path) == 0;
    int why = errno;
    if (!ok)
        unlink(fresh);
    errno = why;
    return ok;
}

static enum ctl_status put(const struct rotation *r, bool is_made, struct str text)
{
    if (!is_made)
        return ctl_complain(STR("out of memory"));
    if (replace_file(r->path, text))
        return CTL_OK;
    fprintf(stderr, "bffctl: %s: cannot be replaced: %s\n", r->path, strerror(errno));
    return CTL_FAILED;
}

/* --- the steps --- */

static bool is_loaded(const struct rotation *r, size_t i)
{
    char id[KEYRING_ID_MAX];
    json_t *one;
    size_t k;
    keyring_id(r->keys, i, id);
    json_array_foreach(r->loaded, k, one) if (json_is_string(one) &&
                                              strcmp(json_string_value(one), id) == 0) return true;
    return false;
}

static enum ctl_status add(struct rotation *r)
{
    char key[SEAL_KEY_LINE + 1], now[KEY_FILE_TIME + 1];
    struct str text;
    if (r->state.stage == KEYS_ADDED)
        return ctl_complain(STR("a key was added already; the next step is: rotate-key use"));
    if (r->state.n_keys >= KEYRING_MAX_KEYS)
        return ctl_complain(STR("the file holds as many keys as it may; drop old ones first"));
    iso_time(now);
    keyring_generate(key);
    bool is_made = key_file_add(r->text, str_from(key), str_from(now), &r->ctl->arena, &text);
    wipe(key, sizeof key);
    return put(r, is_made, text);
}

static enum ctl_status use(struct rotation *r)
{
    char now[KEY_FILE_TIME + 1];
    struct str text;
    if (r->state.stage != KEYS_ADDED)
        return ctl_complain(STR("no key was added; the first step is: rotate-key add"));
    if (!r->loaded)
        return ctl_complain(STR("whether bffd has read the new key cannot be asked, and it must "
                                "have, on every host"));
    if (!is_loaded(r, keyring_size(r->keys) - 1))
        return ctl_complain(STR("bffd has not read the new key yet: reload it, on every host"));
    iso_time(now);
    return put(r, key_file_use(r->text, str_from(now), &r->ctl->arena, &text), text);
}

static enum ctl_status drop(struct rotation *r)
{
    char left[CTL_DURATION_MAX];
    struct str text;
    int64_t over = over_s(r), now = (int64_t)time(NULL);
    if (r->state.n_keys < 2)
        return ctl_complain(STR("there is only one key"));
    if (r->state.stage == KEYS_ADDED)
        return ctl_complain(STR("the new key seals nothing yet; the next step is: rotate-key use"));
    if (!r->ctl->now && over == 0)
        return ctl_complain(STR("the file does not say since when the first key seals; --now ends "
                                "the sessions of the others"));
    if (!r->ctl->now && now < over) {
        fprintf(stderr,
                "bffctl: sessions may be sealed with an older key for another %s; --now ends "
                "them\n",
                ctl_duration(over - now, left));
        return CTL_FAILED;
    }
    return put(r, key_file_drop(r->text, &r->ctl->arena, &text), text);
}

/* --- looking --- */

static const char *const stage_names[] = {
    [KEYS_ALONE] = "alone",
    [KEYS_ADDED] = "added",
    [KEYS_USED] = "used",
    [KEYS_OTHER] = "other",
};

static const char *next_step(const struct rotation *r)
{
    switch (r->state.stage) {
    case KEYS_ALONE:
        return "add";
    case KEYS_ADDED:
        return "use";
    case KEYS_USED:
    case KEYS_OTHER:
        break;
    }
    return "drop";
}

static enum ctl_status show_json(const struct rotation *r)
{
    char id[KEYRING_ID_MAX];
    json_t *keys = json_array();
    bool ok = true;
    for (size_t i = 0; i < keyring_size(r->keys); i++) {
        json_t *loaded = r->loaded ? json_boolean(is_loaded(r, i)) : json_null();
        keyring_id(r->keys, i, id);
        ok = json_array_append_new(keys, json_pack("{s:s,s:s,s:o}", "id", id, "role",
                                                   i == 0 ? "seals" : "opens", "loaded", loaded)) ==
                 0 &&
             ok;
    }
    if (!ok) {
        json_decref(keys);
        return ctl_print_json(NULL);
    }
    int64_t over = r->state.stage == KEYS_USED ? over_s(r) : 0;
    return ctl_print_json(json_pack("{s:o,s:s,s:s,s:o}", "keys", keys, "stage",
                                    stage_names[r->state.stage], "next", next_step(r), "drop_from",
                                    over ? json_integer(over) : json_null()));
}

static void say_next(const struct rotation *r)
{
    char left[CTL_DURATION_MAX];
    bool must_load =
        r->loaded && !is_loaded(r, r->state.stage == KEYS_ADDED ? keyring_size(r->keys) - 1 : 0);
    int64_t wait_s = over_s(r) - (int64_t)time(NULL);
    if (must_load)
        printf("Copy the file to the other hosts, and reload bffd on all of them (restart it "
               "where systemd hands the key over). Then:\n");
    if (r->state.stage == KEYS_USED && wait_s > 0)
        printf("In %s, when no session is older than the first key:\n", ctl_duration(wait_s, left));
    printf("bffctl rotate-key %s\n", next_step(r));
}

static enum ctl_status show(const struct rotation *r)
{
    char id[KEYRING_ID_MAX];
    if (r->ctl->as_json)
        return show_json(r);
    printf("%-10s%-8s%s\n", "KEY", "ROLE", "READ BY BFFD");
    for (size_t i = 0; i < keyring_size(r->keys); i++) {
        keyring_id(r->keys, i, id);
        printf("%-10s%-8s%s\n", id, i == 0 ? "seals" : "opens",
               !r->loaded        ? "not known"
               : is_loaded(r, i) ? "yes"
                                 : "no");
    }
    say_next(r);
    return CTL_OK;
}

static enum ctl_status take_step(struct rotation *r)
{
    const char *step = r->ctl->step;
    if (strcmp(step, "add") == 0)
        return add(r);
    if (strcmp(step, "use") == 0)
        return use(r);
    if (strcmp(step, "drop") == 0)
        return drop(r);
    return ctl_complain(STR("the steps of rotate-key are add, use and drop"));
}

/* The file as it is now; its keys were read when the command began. */
static bool read_file(struct rotation *r)
{
    struct str message = STR("out of memory");
    char *name = arena_cstr(&r->ctl->arena, r->ctl->config.server.key_file);
    r->path = name ? realpath(name, NULL) : NULL;
    if (r->path && setup_read_file(&r->ctl->arena, r->path, &r->text, &message)) {
        r->state = key_file_state(r->text);
        if (r->state.n_keys == keyring_size(r->keys))
            return true;
        message = STR("the key file is being changed by somebody else");
    }
    ctl_complain(message);
    return false;
}

/* The keys as they stand in the file now. */
static bool read_again(struct rotation *r)
{
    char sentence[SETUP_MESSAGE_MAX];
    setup_free(r->ctl->setup);
    r->ctl->setup = setup_load(r->ctl->file, sentence);
    free(r->path);
    r->path = NULL;
    if (!r->ctl->setup) {
        ctl_complain(str_from(sentence));
        return false;
    }
    r->ctl->config = r->ctl->setup->config;
    r->keys = r->ctl->setup->keys;
    return read_file(r);
}

enum ctl_status ctl_rotate_key(struct ctl *ctl)
{
    struct rotation r = {.ctl = ctl, .keys = ctl->setup->keys};
    json_t *status = ctl_ask_status(ctl);
    r.loaded = json_incref(json_object_get(status, "keys"));
    json_decref(status);
    bool ok = read_file(&r);
    if (ok && ctl->step)
        ok = take_step(&r) == CTL_OK && read_again(&r);
    if (ok)
        ok = show(&r) == CTL_OK;
    json_decref(r.loaded);
    free(r.path);
    return ok ? CTL_OK : CTL_FAILED;
}
