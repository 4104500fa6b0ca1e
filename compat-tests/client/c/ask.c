/*
 * One call to the library, waiting or with a completion, by the client's `by_callback`. Either way its answer is a copy
 * that belongs to the caller.
 */

#include <stdio.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "scenarios.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrival = PTHREAD_COND_INITIALIZER;

struct answer *new_answer(void)
{
    struct answer *answer = calloc(1, sizeof *answer);
    answer->length = -1;
    return answer;
}

void free_answer(struct answer *answer)
{
    free(answer->path);
    free(answer->data);
    deallocate_String_vector(&answer->names);
    deallocate_ACL_vector(&answer->acl);
    free(answer);
}

void bring(struct answer *answer, int code)
{
    pthread_mutex_lock(&lock);
    answer->code = code;
    answer->is_there = true;
    pthread_cond_broadcast(&arrival);
    pthread_mutex_unlock(&lock);
}

int await_answer(struct answer *answer)
{
    struct timespec until_then = deadline();
    pthread_mutex_lock(&lock);
    while (!answer->is_there)
        if (pthread_cond_timedwait(&arrival, &lock, &until_then) == ETIMEDOUT) fail("a completion never came");
    pthread_mutex_unlock(&lock);
    return answer->code;
}

/* The answer of a call: at once when it could not be made or has waited, else when its completion comes. */
static struct answer *settled(struct answer *answer, bool by_callback, int code)
{
    if (by_callback && code == ZOK) await_answer(answer);
    else answer->code = code;
    return answer;
}

static void keep_stat(struct answer *answer, const struct Stat *stat)
{
    if (stat != NULL) answer->stat = *stat;
}

static void keep_names(struct answer *answer, const struct String_vector *names)
{
    if (names == NULL) return;
    allocate_String_vector(&answer->names, names->count);
    for (int at = 0; at < names->count; at++) answer->names.data[at] = strdup(names->data[at]);
}

static void on_void(int code, const void *context)
{
    bring((struct answer *)context, code);
}

static void on_stat(int code, const struct Stat *stat, const void *context)
{
    keep_stat((struct answer *)context, stat);
    bring((struct answer *)context, code);
}

static void on_text(int code, const char *value, const void *context)
{
    struct answer *answer = (struct answer *)context;
    answer->path = value == NULL ? NULL : strdup(value);
    bring(answer, code);
}

static void on_text_and_stat(int code, const char *value, const struct Stat *stat, const void *context)
{
    keep_stat((struct answer *)context, stat);
    on_text(code, value, context);
}

static void on_data(int code, const char *value, int length, const struct Stat *stat, const void *context)
{
    struct answer *answer = (struct answer *)context;
    answer->length = length;
    answer->data = length > 0 ? memcpy(malloc((size_t)length), value, (size_t)length) : NULL;
    on_stat(code, stat, context);
}

static void on_names(int code, const struct String_vector *names, const void *context)
{
    keep_names((struct answer *)context, names);
    bring((struct answer *)context, code);
}

static void on_names_and_stat(int code, const struct String_vector *names, const struct Stat *stat, const void *context)
{
    keep_stat((struct answer *)context, stat);
    on_names(code, names, context);
}

static void on_acl(int code, struct ACL_vector *acl, struct Stat *stat, const void *context)
{
    struct answer *answer = (struct answer *)context;
    allocate_ACL_vector(&answer->acl, acl == NULL ? 0 : acl->count);
    for (int at = 0; acl != NULL && at < acl->count; at++) {
        answer->acl.data[at].perms = acl->data[at].perms;
        answer->acl.data[at].id.scheme = strdup(acl->data[at].id.scheme);
        answer->acl.data[at].id.id = strdup(acl->data[at].id.id);
    }
    on_stat(code, stat, context);
}

static watcher_fn function_of(const struct watcher *watcher)
{
    return watcher == NULL ? NULL : on_event;
}

struct answer *ask_create(struct client *c, const char *path, struct bytes data, const struct ACL_vector *acl, int mode)
{
    struct answer *a = new_answer();
    if (c->by_callback)
        return settled(a, true, zoo_acreate(c->handle, path, data.start, data.length, acl, mode, on_text, a));
    a->path = calloc(1, path_bytes_max);
    return settled(a, false, zoo_create(c->handle, path, data.start, data.length, acl, mode, a->path, path_bytes_max));
}

struct answer *ask_create2(struct client *c, const char *path, struct bytes data, const struct ACL_vector *acl, int mode,
                           int64_t ttl_ms)
{
    struct answer *a = new_answer();
    if (c->by_callback)
        return settled(a, true, zoo_acreate2_ttl(c->handle, path, data.start, data.length, acl, mode, ttl_ms,
                                                 on_text_and_stat, a));
    a->path = calloc(1, path_bytes_max);
    return settled(a, false, zoo_create2_ttl(c->handle, path, data.start, data.length, acl, mode, ttl_ms, a->path,
                                             path_bytes_max, &a->stat));
}

struct answer *ask_delete(struct client *c, const char *path, int version)
{
    struct answer *a = new_answer();
    return settled(a, c->by_callback, c->by_callback ? zoo_adelete(c->handle, path, version, on_void, a)
                                                     : zoo_delete(c->handle, path, version));
}

/* The default watcher is asked for with the flag of the shorter form, as most programs do. */
struct answer *ask_exists(struct client *c, const char *path, struct watcher *watcher)
{
    struct answer *a = new_answer();
    if (watcher == &c->standard)
        return settled(a, c->by_callback, c->by_callback ? zoo_aexists(c->handle, path, 1, on_stat, a)
                                                         : zoo_exists(c->handle, path, 1, &a->stat));
    watcher_fn function = function_of(watcher);
    return settled(a, c->by_callback, c->by_callback
                                          ? zoo_awexists(c->handle, path, function, watcher, on_stat, a)
                                          : zoo_wexists(c->handle, path, function, watcher, &a->stat));
}

struct answer *ask_get(struct client *c, const char *path, struct watcher *watcher)
{
    struct answer *a = new_answer();
    watcher_fn function = function_of(watcher);
    bool is_default = watcher == &c->standard;
    if (c->by_callback)
        return settled(a, true, is_default ? zoo_aget(c->handle, path, 1, on_data, a)
                                           : zoo_awget(c->handle, path, function, watcher, on_data, a));
    a->length = data_bytes_max;
    a->data = malloc(data_bytes_max);
    return settled(a, false, is_default ? zoo_get(c->handle, path, 1, a->data, &a->length, &a->stat)
                                        : zoo_wget(c->handle, path, function, watcher, a->data, &a->length, &a->stat));
}

struct answer *ask_config(struct client *c, struct watcher *watcher)
{
    struct answer *a = new_answer();
    if (c->by_callback)
        return settled(a, true, zoo_awgetconfig(c->handle, function_of(watcher), watcher, on_data, a));
    a->length = data_bytes_max;
    a->data = malloc(data_bytes_max);
    return settled(a, false, zoo_getconfig(c->handle, watcher != NULL, a->data, &a->length, &a->stat));
}

struct answer *ask_reconfig(struct client *c, const char *joining, const char *leaving, const char *members,
                            int64_t version)
{
    struct answer *a = new_answer();
    if (c->by_callback)
        return settled(a, true, zoo_areconfig(c->handle, joining, leaving, members, version, on_data, a));
    a->length = data_bytes_max;
    a->data = malloc(data_bytes_max);
    return settled(a, false, zoo_reconfig(c->handle, joining, leaving, members, version, a->data, &a->length, &a->stat));
}

struct answer *ask_set(struct client *c, const char *path, struct bytes data, int version)
{
    struct answer *a = new_answer();
    return settled(a, c->by_callback,
                   c->by_callback ? zoo_aset(c->handle, path, data.start, data.length, version, on_stat, a)
                                  : zoo_set2(c->handle, path, data.start, data.length, version, &a->stat));
}

struct answer *ask_children(struct client *c, const char *path, struct watcher *watcher)
{
    struct answer *a = new_answer();
    if (watcher == &c->standard)
        return settled(a, c->by_callback, c->by_callback ? zoo_aget_children(c->handle, path, 1, on_names, a)
                                                         : zoo_get_children(c->handle, path, 1, &a->names));
    watcher_fn function = function_of(watcher);
    return settled(a, c->by_callback, c->by_callback
                                          ? zoo_awget_children(c->handle, path, function, watcher, on_names, a)
                                          : zoo_wget_children(c->handle, path, function, watcher, &a->names));
}

struct answer *ask_children2(struct client *c, const char *path, struct watcher *watcher)
{
    struct answer *a = new_answer();
    watcher_fn function = function_of(watcher);
    return settled(a, c->by_callback,
                   c->by_callback
                       ? zoo_awget_children2(c->handle, path, function, watcher, on_names_and_stat, a)
                       : zoo_wget_children2(c->handle, path, function, watcher, &a->names, &a->stat));
}

struct answer *ask_get_acl(struct client *c, const char *path)
{
    struct answer *a = new_answer();
    return settled(a, c->by_callback, c->by_callback ? zoo_aget_acl(c->handle, path, on_acl, a)
                                                     : zoo_get_acl(c->handle, path, &a->acl, &a->stat));
}

struct answer *ask_set_acl(struct client *c, const char *path, const struct ACL_vector *acl, int version)
{
    struct answer *a = new_answer();
    struct ACL_vector *list = (struct ACL_vector *)acl;
    return settled(a, c->by_callback, c->by_callback ? zoo_aset_acl(c->handle, path, version, list, on_void, a)
                                                     : zoo_set_acl(c->handle, path, version, list));
}

/* There is no sync that waits. */
struct answer *ask_sync(struct client *c, const char *path)
{
    struct answer *a = new_answer();
    return settled(a, true, zoo_async(c->handle, path, on_text, a));
}

struct answer *ask_multi(struct client *c, int count, const zoo_op_t *ops, zoo_op_result_t *results)
{
    struct answer *a = new_answer();
    return settled(a, c->by_callback, c->by_callback ? zoo_amulti(c->handle, count, ops, results, on_void, a)
                                                     : zoo_multi(c->handle, count, ops, results));
}

/* There is no such call that waits. */
struct answer *ask_add_auth(struct client *c, const char *scheme, const char *cert)
{
    struct answer *a = new_answer();
    return settled(a, true, zoo_add_auth(c->handle, scheme, cert, (int)strlen(cert), on_void, a));
}

/* The calls with a completion take a pointer to nothing but the completion itself (an oddity of their declaration). */
struct answer *ask_remove(struct client *c, const char *path, ZooWatcherType type, struct watcher *watcher, int local)
{
    struct answer *a = new_answer();
    watcher_fn function = function_of(watcher);
    return settled(a, c->by_callback,
                   c->by_callback ? zoo_aremove_watches(c->handle, path, type, function, watcher, local,
                                                        (void_completion_t *)on_void, a)
                                  : zoo_remove_watches(c->handle, path, type, function, watcher, local));
}

struct answer *ask_remove_all(struct client *c, const char *path, ZooWatcherType type, int local)
{
    struct answer *a = new_answer();
    return settled(a, c->by_callback,
                   c->by_callback
                       ? zoo_aremove_all_watches(c->handle, path, type, local, (void_completion_t *)on_void, a)
                       : zoo_remove_all_watches(c->handle, path, type, local));
}
