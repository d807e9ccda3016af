#include "server/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/kept_file.h"

#define ARENA_BYTES (2 * 1024 * 1024)

static bool fail(struct arena *arena, struct str *message, const char *path, const char *reason)
{
    if (!arena_printf(arena, message, "%s: %s", path, reason))
        *message = STR("out of memory");
    return false;
}

static bool read_all(int fd, char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = read(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

static bool read_fd(struct arena *arena, int fd, const char *path, bool secret, struct str *out,
                    struct str *message)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail(arena, message, path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fail(arena, message, path, "is not a regular file");
    if (secret && (st.st_mode & 0027) != 0)
        return fail(arena, message, path,
                    "holds a secret but others may read it (or its group may write it): "
                    "chmod 0640 or stricter");
    if (st.st_size > CONFIG_MAX_BYTES)
        return fail(arena, message, path, "is larger than 64 KiB");
    size_t n = (size_t)st.st_size;
    char *text = arena_alloc(arena, n + 1);
    if (!text)
        return fail(arena, message, path, "out of memory");
    if (!read_all(fd, text, n))
        return fail(arena, message, path, "cannot be read to its end");
    text[n] = 0;
    *out = (struct str){text, n};
    return true;
}

static bool read_path(struct arena *arena, const char *path, bool secret, struct str *out,
                      struct str *message)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(arena, message, path, strerror(errno));
    bool ok = read_fd(arena, fd, path, secret, out, message);
    close(fd);
    return ok;
}

bool setup_read_file(struct arena *arena, const char *path, struct str *out, struct str *message)
{
    return read_path(arena, path, false, out, message);
}

/*
 * Where the service manager has put this file for us (systemd.exec(5), LoadCredential=): the
 * credential is named as the file is, without its directories. Else where the configuration says.
 * NULL: out of memory, or a NUL byte in a path.
 */
static char *place_of_secret(struct arena *arena, struct str path)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    struct str place;
    char *name = arena_cstr(arena, path);
    if (!name || !directory || directory[0] != '/')
        return name;
    if (!arena_printf(arena, &place, "%s%s", directory, strrchr(name, '/')))
        return NULL;
    char *credential = arena_cstr(arena, place);
    bool is_missing = credential && access(credential, F_OK) != 0 && errno == ENOENT;
    return is_missing ? name : credential;
}

static bool read_secret(struct arena *arena, const char *key, struct str path, struct str *out,
                        struct str *message)
{
    struct str reason;
    char *name = place_of_secret(arena, path);
    if (!name)
        return fail(arena, message, key, "out of memory, or a NUL byte in a path");
    if (read_path(arena, name, true, out, &reason))
        return true;
    if (!arena_printf(arena, message, "%s: %.*s", key, STR_ARG(reason)))
        *message = STR("out of memory");
    return false;
}

static void hint_at_keygen(struct setup *s, struct str reason, struct str *message)
{
    if (!arena_printf(&s->arena, message, "%.*s (a key is made by: bffd keygen)", STR_ARG(reason)))
        *message = STR("out of memory");
}

/* What is wrong with the text of a key file. */
static struct str in_key_file(struct arena *arena, struct str path, struct str reason)
{
    struct str whole;
    if (!arena_printf(arena, &whole, "server.key_file: %.*s: %.*s", STR_ARG(path), STR_ARG(reason)))
        return STR("out of memory");
    return whole;
}

/* The keys are in locked memory; the file's text is not, and goes at once. */
static bool load_keys(struct setup *s, struct str *message)
{
    struct arena arena = arena_make(ARENA_BYTES);
    struct str path = s->config.server.key_file, text = {NULL, 0}, reason = {NULL, 0};
    bool is_read = read_secret(&arena, "server.key_file", path, &text, &reason);
    bool ok = is_read && keyring_parse(&arena, text, &s->keys, &reason);
    if (!ok)
        hint_at_keygen(s, is_read ? in_key_file(&arena, path, reason) : reason, message);
    arena_free(&arena);
    return ok;
}

/* The first line of a file that holds a secret; `path` may be empty. */
static bool load_secret(struct setup *s, const char *key, struct str path, struct str *out,
                        struct str *message)
{
    struct str text = {NULL, 0};
    if (path.n == 0)
        return true;
    if (!read_secret(&s->arena, key, path, &text, message))
        return false;
    *out = str_trim(str_cut(str_trim(text), '\n').head);
    if (out->n > 0)
        return true;
    if (!arena_printf(&s->arena, message, "%s: %.*s: holds nothing", key, STR_ARG(path)))
        *message = STR("out of memory");
    return false;
}

static bool load_backend(struct setup *s, const char *path, struct str *message)
{
    struct str text = {NULL, 0};
    return setup_read_file(&s->arena, path, &text, message) &&
           config_parse(&s->arena, path, text, &s->config, message) &&
           load_secret(s, "client.secret_file", s->config.client.secret_file, &s->client_secret,
                       message);
}

/* That it is fit. Each worker opens it for itself. */
static bool check_microcache(struct setup *s, struct str *message)
{
    struct str path = s->config.server.microcache;
    const char *why = "out of memory, or a NUL byte in a path";
    if (path.n == 0)
        return true;
    char *name = arena_cstr(&s->arena, path);
    int fd = name ? kept_directory_open(name, &why) : -1;
    if (fd >= 0) {
        close(fd);
        return true;
    }
    if (!arena_printf(&s->arena, message, "server.microcache: %.*s: %s", STR_ARG(path), why))
        *message = STR("out of memory");
    return false;
}

static bool load_all(struct setup *s, const char *path, struct str *message)
{
    return load_backend(s, path, message) && load_keys(s, message) &&
           load_secret(s, "redis.password_file", s->config.redis.password_file, &s->password,
                       message) &&
           load_secret(s, "redis.sentinel_password_file", s->config.redis.sentinel_password_file,
                       &s->sentinel_password, message) &&
           check_microcache(s, message);
}

static struct setup *load_by(bool (*load)(struct setup *, const char *, struct str *),
                             const char *path, char message[SETUP_MESSAGE_MAX])
{
    struct str reason = STR("out of memory");
    struct setup *s = calloc(1, sizeof *s);
    if (s) {
        s->arena = arena_make(ARENA_BYTES);
        if (load(s, path, &reason))
            return s;
    }
    size_t n = reason.n < SETUP_MESSAGE_MAX - 1 ? reason.n : SETUP_MESSAGE_MAX - 1;
    memcpy(message, reason.p, n);
    message[n] = 0;
    setup_free(s);
    return NULL;
}

struct setup *setup_load(const char *path, char message[SETUP_MESSAGE_MAX])
{
    return load_by(load_all, path, message);
}

struct setup *setup_load_backend(const char *path, char message[SETUP_MESSAGE_MAX])
{
    return load_by(load_backend, path, message);
}

void setup_free(struct setup *s)
{
    if (!s)
        return;
    keyring_free(s->keys);
    arena_free(&s->arena);
    free(s);
}
