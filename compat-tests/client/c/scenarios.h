/*
 * What the files of this program share: the trace, sessions, traced calls, and the scenarios.
 *
 * A scenario asks through a `struct client`. Its calls wait for their answer or are given a completion, by the client's
 * `by_callback`, so that every scenario can be played either way.
 */

#ifndef SCENARIOS_H
#define SCENARIOS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <zookeeper/zookeeper.h>

enum { patience_s = 60, timeout_ms = 30000, path_bytes_max = 4096, data_bytes_max = 1 << 21 };

/* Data of a znode; the length of null is -1. */
struct bytes {
    const char *start;
    int length;
};

struct bytes text(const char *content);
extern const struct bytes none;

/* trace.c: a line of JSON is opened with words, and closed with what came of them. Letters of a format:
 *   s text   i int   l int64_t   b bool   d struct bytes   S struct Stat *   A struct ACL_vector *
 *   N struct String_vector * (shown sorted)   x int64_t as hexadecimal text */
void say(const char *who, const char *what, const char *format, ...);
void say_open(const char *who, const char *what, const char *format, ...);
void say_outcome(int code, const char *format, ...);
void say_session(const char *who, int64_t session_id);
void say_event(const char *who, const char *watcher, int type, const char *path);
void ask(const char *wish);
const char *state_name(int state);
uint32_t checksum(const char *start, size_t length);
/* Ends the program with 1. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* client.c: a session, what its watchers were told, and the states of its connection. */
struct told {
    int type;
    char *path;
    const char *watcher;
};

struct watcher {
    struct client *client;
    const char *name;
    struct watcher *next;
};

struct client {
    const char *name;
    zhandle_t *handle;
    bool by_callback;
    struct watcher standard;
    struct watcher *watchers;
    pthread_mutex_t lock;
    pthread_cond_t change;
    struct told *events;
    int event_count;
    int states[64];
    int state_count;
    int states_shown;
};

extern const char *server;

/* Opens a session, and waits until it is connected unless `is_awaited` is false. */
struct client *open_at(const char *name, const char *hosts, int wanted_ms, const clientid_t *id, bool is_awaited);
struct client *open_session(const char *name);
/* A session that a server which has lost its ensemble may serve too. */
struct client *open_read_only(const char *name);
/* Ends the session; the client may be asked about its events only. */
void close_session(struct client *client);
/* The watcher of that name, to be given to calls. */
struct watcher *watcher_of(struct client *client, const char *name);
void on_event(zhandle_t *handle, int type, int state, const char *path, void *context);
/* Shows states of the connection until this one has come. */
void until(struct client *client, int state);
/* Shows every event that the server had sent before it answers a request sent now. */
void settle(struct client *client);
/* Waits for so many events, and shows them. */
void await_events(struct client *client, int count);
struct timespec deadline(void);

/* relay.c: a wire between a client and the server that can be cut. */
struct relay;
struct relay *new_relay(void);
const char *relay_address(const struct relay *relay);
void cut(struct relay *relay);
void freeze(struct relay *relay);
void close_to_newcomers(struct relay *relay);
void mend(struct relay *relay);

/* ask.c: one call, either way. The caller frees the answer. */
struct answer {
    int code;
    bool is_there;
    char *path;
    char *data;
    int length;
    struct Stat stat;
    struct String_vector names;
    struct ACL_vector acl;
};

struct answer *ask_create(struct client *c, const char *path, struct bytes data, const struct ACL_vector *acl, int mode);
struct answer *ask_create2(struct client *c, const char *path, struct bytes data, const struct ACL_vector *acl, int mode,
                           int64_t ttl_ms);
struct answer *ask_delete(struct client *c, const char *path, int version);
struct answer *ask_exists(struct client *c, const char *path, struct watcher *watcher);
struct answer *ask_get(struct client *c, const char *path, struct watcher *watcher);
struct answer *ask_config(struct client *c, struct watcher *watcher);
struct answer *ask_reconfig(struct client *c, const char *joining, const char *leaving, const char *members,
                            int64_t version);
struct answer *ask_set(struct client *c, const char *path, struct bytes data, int version);
struct answer *ask_children(struct client *c, const char *path, struct watcher *watcher);
struct answer *ask_children2(struct client *c, const char *path, struct watcher *watcher);
struct answer *ask_get_acl(struct client *c, const char *path);
struct answer *ask_set_acl(struct client *c, const char *path, const struct ACL_vector *acl, int version);
struct answer *ask_sync(struct client *c, const char *path);
struct answer *ask_multi(struct client *c, int count, const zoo_op_t *ops, zoo_op_result_t *results);
struct answer *ask_add_auth(struct client *c, const char *scheme, const char *cert);
struct answer *ask_remove(struct client *c, const char *path, ZooWatcherType type, struct watcher *watcher, int local);
struct answer *ask_remove_all(struct client *c, const char *path, ZooWatcherType type, int local);
struct answer *new_answer(void);
void free_answer(struct answer *answer);
int await_answer(struct answer *answer);
/* For completions: fills in what every answer has, and wakes who waits. */
void bring(struct answer *answer, int code);

/* calls.c: calls that show their words and what came of them. */
int create_with(struct client *c, const char *path, struct bytes data, const struct ACL_vector *acl, int mode);
int create(struct client *c, const char *path, const char *content);
int create_mode(struct client *c, const char *path, const char *content, int mode);
/* Copies the new znode's path into `made`, unless that is null. */
int create2(struct client *c, const char *path, const char *content, int mode, int64_t ttl_ms, char *made);
int delete(struct client *c, const char *path, int version);
int exists(struct client *c, const char *path);
int exists_watched(struct client *c, const char *path, struct watcher *watcher);
int get(struct client *c, const char *path);
int get_watched(struct client *c, const char *path, struct watcher *watcher);
int get_config(struct client *c, struct watcher *watcher);
int reconfig(struct client *c, const char *joining, const char *leaving, const char *members, int64_t version);
int set(struct client *c, const char *path, const char *content, int version);
int set_bytes(struct client *c, const char *path, struct bytes data, int version);
int children(struct client *c, const char *path);
int children_watched(struct client *c, const char *path, struct watcher *watcher);
int children2(struct client *c, const char *path, struct watcher *watcher);
int get_acl(struct client *c, const char *path);
int set_acl(struct client *c, const char *path, const struct ACL_vector *acl, int version);
int sync_path(struct client *c, const char *path);
int add_auth(struct client *c, const char *scheme, const char *cert);
int remove_watches(struct client *c, const char *path, ZooWatcherType type, struct watcher *watcher, int local);
int remove_all_watches(struct client *c, const char *path, ZooWatcherType type, int local);
/* Everything that can be seen of a znode. */
void look(struct client *c, const char *path);
/* A list of one entry. */
struct ACL_vector acl_of(int perms, const char *scheme, const char *id);

/* A transaction in the making: its parts, and room for their results. */
enum { parts_max = 256 };
struct transaction {
    zoo_op_t ops[parts_max];
    zoo_op_result_t results[parts_max];
    struct Stat stats[parts_max];
    char paths[parts_max][128];
    int count;
};

struct transaction *transaction(void);
struct transaction *then_create(struct transaction *t, const char *path, const char *content, int mode);
struct transaction *then_create_with(struct transaction *t, const char *path, const struct ACL_vector *acl, int mode);
struct transaction *then_delete(struct transaction *t, const char *path, int version);
struct transaction *then_set(struct transaction *t, const char *path, const char *content, int version);
struct transaction *then_check(struct transaction *t, const char *path, int version);
/* Shows what came of it, and frees it. */
int commit(struct client *c, const char *what, struct transaction *t);

/* A path below another, in a buffer that lives until the 64th call after this one. */
const char *below(const char *parent, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The scenarios. */
void play_crud(void);
void play_create_modes(void);
void play_unicode(void);
void play_ttl_and_containers(void);
void play_multi(void);
void play_acl(void);
void play_chroot(void);
void play_quotas(void);
void play_watches(void);
void play_watch_order(void);
void play_session_end(void);
void play_session_expiry(void);
void play_session_move(void);
void play_restart(void);
void play_crash(void);
void play_large_data(void);
void play_many_children(void);

#endif
