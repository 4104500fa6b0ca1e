/* Calls that show their words and what came of them; what the library is asked is in ask.c. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "scenarios.h"

/* Opens the line of a call; one with a completion says so. */
#define OPEN(c, what, ...) say_open((c)->name, (c)->by_callback ? "async " what : what, __VA_ARGS__)

static int done(struct answer *answer)
{
    int code = answer->code;
    free_answer(answer);
    return code;
}

static struct bytes data_of(const struct answer *answer)
{
    struct bytes data = {answer->data, answer->length};
    return data;
}

int create_with(struct client *c, const char *path, struct bytes data, const struct ACL_vector *acl, int mode)
{
    OPEN(c, "create", "sdi", path, data, mode);
    struct answer *a = ask_create(c, path, data, acl, mode);
    say_outcome(a->code, "s", a->path);
    return done(a);
}

int create_mode(struct client *c, const char *path, const char *content, int mode)
{
    return create_with(c, path, text(content), &ZOO_OPEN_ACL_UNSAFE, mode);
}

int create(struct client *c, const char *path, const char *content)
{
    return create_mode(c, path, content, ZOO_PERSISTENT);
}

int create2(struct client *c, const char *path, const char *content, int mode, int64_t ttl_ms, char *made)
{
    OPEN(c, "create2", "sdil", path, text(content), mode, ttl_ms);
    struct answer *a = ask_create2(c, path, text(content), &ZOO_OPEN_ACL_UNSAFE, mode, ttl_ms);
    say_outcome(a->code, "sS", a->path, &a->stat);
    if (made != NULL) snprintf(made, path_bytes_max, "%s", a->code == ZOK ? a->path : path);
    return done(a);
}

int delete(struct client *c, const char *path, int version)
{
    OPEN(c, "delete", "si", path, version);
    struct answer *a = ask_delete(c, path, version);
    say_outcome(a->code, "s", "ok");
    return done(a);
}

int exists_watched(struct client *c, const char *path, struct watcher *watcher)
{
    OPEN(c, "exists", "s", path);
    struct answer *a = ask_exists(c, path, watcher);
    say_outcome(a->code, "S", &a->stat);
    return done(a);
}

int exists(struct client *c, const char *path)
{
    return exists_watched(c, path, NULL);
}

int get_watched(struct client *c, const char *path, struct watcher *watcher)
{
    OPEN(c, "get", "s", path);
    struct answer *a = ask_get(c, path, watcher);
    say_outcome(a->code, "dS", data_of(a), &a->stat);
    return done(a);
}

int get(struct client *c, const char *path)
{
    return get_watched(c, path, NULL);
}

int get_config(struct client *c, struct watcher *watcher)
{
    OPEN(c, "getconfig", "");
    struct answer *a = ask_config(c, watcher);
    say_outcome(a->code, "dS", data_of(a), &a->stat);
    return done(a);
}

int reconfig(struct client *c, const char *joining, const char *leaving, const char *members, int64_t version)
{
    OPEN(c, "reconfig", "sssl", joining, leaving, members, version);
    struct answer *a = ask_reconfig(c, joining, leaving, members, version);
    say_outcome(a->code, "dS", data_of(a), &a->stat);
    return done(a);
}

int set_bytes(struct client *c, const char *path, struct bytes data, int version)
{
    OPEN(c, "set", "sdi", path, data, version);
    struct answer *a = ask_set(c, path, data, version);
    say_outcome(a->code, "S", &a->stat);
    return done(a);
}

int set(struct client *c, const char *path, const char *content, int version)
{
    return set_bytes(c, path, text(content), version);
}

int children_watched(struct client *c, const char *path, struct watcher *watcher)
{
    OPEN(c, "children", "s", path);
    struct answer *a = ask_children(c, path, watcher);
    say_outcome(a->code, "N", &a->names);
    return done(a);
}

int children(struct client *c, const char *path)
{
    return children_watched(c, path, NULL);
}

int children2(struct client *c, const char *path, struct watcher *watcher)
{
    OPEN(c, "children2", "s", path);
    struct answer *a = ask_children2(c, path, watcher);
    say_outcome(a->code, "NS", &a->names, &a->stat);
    return done(a);
}

int get_acl(struct client *c, const char *path)
{
    OPEN(c, "getACL", "s", path);
    struct answer *a = ask_get_acl(c, path);
    say_outcome(a->code, "AS", &a->acl, &a->stat);
    return done(a);
}

int set_acl(struct client *c, const char *path, const struct ACL_vector *acl, int version)
{
    OPEN(c, "setACL", "sAi", path, acl, version);
    struct answer *a = ask_set_acl(c, path, acl, version);
    say_outcome(a->code, "s", "ok");
    return done(a);
}

int sync_path(struct client *c, const char *path)
{
    OPEN(c, "sync", "s", path);
    struct answer *a = ask_sync(c, path);
    say_outcome(a->code, "s", a->path);
    return done(a);
}

int add_auth(struct client *c, const char *scheme, const char *cert)
{
    OPEN(c, "add_auth", "ss", scheme, cert);
    struct answer *a = ask_add_auth(c, scheme, cert);
    say_outcome(a->code, "s", "ok");
    return done(a);
}

int remove_watches(struct client *c, const char *path, ZooWatcherType type, struct watcher *watcher, int local)
{
    OPEN(c, "remove_watches", "sisi", path, (int)type, watcher == NULL ? NULL : watcher->name, local);
    struct answer *a = ask_remove(c, path, type, watcher, local);
    say_outcome(a->code, "s", "ok");
    return done(a);
}

int remove_all_watches(struct client *c, const char *path, ZooWatcherType type, int local)
{
    OPEN(c, "remove_all_watches", "sii", path, (int)type, local);
    struct answer *a = ask_remove_all(c, path, type, local);
    say_outcome(a->code, "s", "ok");
    return done(a);
}

void look(struct client *c, const char *path)
{
    get(c, path);
    children2(c, path, NULL);
    get_acl(c, path);
}

struct ACL_vector acl_of(int perms, const char *scheme, const char *id)
{
    struct ACL_vector list;
    allocate_ACL_vector(&list, 1);
    list.data[0].perms = perms;
    list.data[0].id.scheme = strdup(scheme);
    list.data[0].id.id = strdup(id);
    return list;
}

struct transaction *transaction(void)
{
    return calloc(1, sizeof(struct transaction));
}

struct transaction *then_create_with(struct transaction *t, const char *path, const struct ACL_vector *acl, int mode)
{
    int at = t->count++;
    zoo_create_op_init(&t->ops[at], strdup(path), "made", 4, acl, mode, t->paths[at], sizeof t->paths[at]);
    return t;
}

struct transaction *then_create(struct transaction *t, const char *path, const char *content, int mode)
{
    int at = t->count++;
    struct bytes data = text(content);
    zoo_create_op_init(&t->ops[at], strdup(path), data.start, data.length, &ZOO_OPEN_ACL_UNSAFE, mode, t->paths[at],
                       sizeof t->paths[at]);
    return t;
}

struct transaction *then_delete(struct transaction *t, const char *path, int version)
{
    zoo_delete_op_init(&t->ops[t->count++], strdup(path), version);
    return t;
}

struct transaction *then_set(struct transaction *t, const char *path, const char *content, int version)
{
    int at = t->count++;
    struct bytes data = text(content);
    zoo_set_op_init(&t->ops[at], strdup(path), data.start, data.length, version, &t->stats[at]);
    return t;
}

struct transaction *then_check(struct transaction *t, const char *path, int version)
{
    zoo_check_op_init(&t->ops[t->count++], strdup(path), version);
    return t;
}

/* The transaction's own code first, then a line for each part. */
int commit(struct client *c, const char *what, struct transaction *t)
{
    OPEN(c, "multi", "s", what);
    struct answer *a = ask_multi(c, t->count, t->ops, t->results);
    say_outcome(a->code, "s", "ok");
    for (int at = 0; at < t->count; at++) {
        say_open(c->name, "part", "i", at);
        say_outcome(t->results[at].err, "sS", t->paths[at], &t->stats[at]);
    }
    free(t);
    return done(a);
}

const char *below(const char *parent, const char *format, ...)
{
    enum { buffers = 64 };
    static char paths[buffers][path_bytes_max];
    static int turn;
    char *path = paths[turn++ % buffers];
    va_list words;
    va_start(words, format);
    int length = snprintf(path, path_bytes_max, "%s/", parent);
    vsnprintf(path + length, (size_t)(path_bytes_max - length), format, words);
    va_end(words);
    return path;
}
