/*
 * Quotes: a strategy in C on libzookeeper_mt. Like every process of the desk it is a member, applies every change of the
 * configuration and sees every trade, each once and in order.
 *
 * usage: quotes HOST:PORT/CHROOT NAME
 *
 *   gcc -DTHREADED quotes.c -lzookeeper_mt -o quotes
 *
 * The library calls `on_event` on a thread of its own, which must not wait for answers, because it delivers them. So the
 * event is used for nothing but to wake the main thread, which looks at the tree, sets its watches again and does what is
 * left to do. A session that expired is given up with its handle; what was taken is remembered here, so the next session
 * goes on where the last one stopped. It ends when its stdin does.
 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zookeeper/zookeeper.h>

enum {
    SESSION_TIMEOUT_MS = 12000,
    TEXT_BYTES_MAX = 4096,
    PATH_BYTES_MAX = 256,
    SETTINGS_MAX = 64
};

/* A folder of sequential znodes and how far we are in it. */
struct sequence {
    const char *folder;
    int position;
    void (*take)(const char *name, char *text);
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t stirred = PTHREAD_COND_INITIALIZER;
static int is_stirred, is_expired, is_closing;

static void broken(const char *what, const char *about)
{
    fprintf(stderr, "%s: %s\n", what, about);
    exit(1);
}

/* -- waking up ------------------------------------------------------------------------------------------------------- */

static void stir(int *flag)
{
    pthread_mutex_lock(&mutex);
    *flag = 1;
    is_stirred = 1;
    pthread_cond_signal(&stirred);
    pthread_mutex_unlock(&mutex);
}

static void on_event(zhandle_t *session, int type, int state, const char *path, void *context)
{
    (void)session, (void)path, (void)context;
    int has_expired = type == ZOO_SESSION_EVENT && state == ZOO_EXPIRED_SESSION_STATE;
    stir(has_expired ? &is_expired : &is_stirred);
}

static void *read_to_the_end(void *nothing)
{
    while (getchar() != EOF) {
    }
    stir(&is_closing);
    return nothing;
}

static void wait_until_stirred(void)
{
    pthread_mutex_lock(&mutex);
    while (!is_stirred) {
        pthread_cond_wait(&stirred, &mutex);
    }
    is_stirred = 0;
    pthread_mutex_unlock(&mutex);
}

static int take_flag(int *flag)
{
    pthread_mutex_lock(&mutex);
    int value = *flag;
    *flag = 0;
    pthread_mutex_unlock(&mutex);
    return value;
}

/* -- what is taken --------------------------------------------------------------------------------------------------- */

static struct setting {
    char name[PATH_BYTES_MAX];
    int version;
} settings[SETTINGS_MAX];

/* The setting of that name; a new one comes before its first version. */
static struct setting *setting_of(const char *name)
{
    for (int i = 0; i < SETTINGS_MAX; i++) {
        if (settings[i].name[0] == '\0') {
            snprintf(settings[i].name, sizeof settings[i].name, "%s", name);
            settings[i].version = -1;
        }
        if (strcmp(settings[i].name, name) == 0) {
            return &settings[i];
        }
    }
    broken("too many settings", name);
    return NULL;
}

/* A change reads `risk-limits v3 max-order=500`. One that is not the next of its setting must not be applied. */
static void apply_change(const char *change, char *text)
{
    char name[PATH_BYTES_MAX];
    int version;
    if (sscanf(text, "%255s v%d", name, &version) != 2) {
        broken("not a change", text);
    }
    struct setting *setting = setting_of(name);
    if (version != setting->version + 1) {
        broken("another version should come next", text);
    }
    setting->version = version;
    printf("config %s %s\n", change, text);
}

static void see_trade(const char *trade, char *text)
{
    printf("trade %s %s\n", trade, text);
}

/* -- following a sequence -------------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b); /* ten digits: the order of texts is that of numbers */
}

/* Reads a znode and hands it over. ZOK, or why there was no answer. */
static int take_one(zhandle_t *session, struct sequence *sequence, const char *name)
{
    char path[PATH_BYTES_MAX], text[TEXT_BYTES_MAX + 1];
    int length = TEXT_BYTES_MAX;
    struct Stat stat;
    snprintf(path, sizeof path, "%s/%s", sequence->folder, name);
    int rc = zoo_get(session, path, 0, text, &length, &stat);
    if (rc != ZOK) {
        return rc;
    }
    if (stat.dataLength > TEXT_BYTES_MAX) {
        broken("too long", path);
    }
    text[length] = '\0';
    sequence->take(name, text);
    return ZOK;
}

/* Takes what is new. ZOK, or why there was no answer: position and znodes are where they were. */
static int follow(zhandle_t *session, struct sequence *sequence)
{
    struct String_vector children;
    int rc = zoo_wget_children(session, sequence->folder, on_event, NULL, &children);
    if (rc != ZOK) {
        return rc;
    }
    qsort(children.data, children.count, sizeof *children.data, compare_names);
    for (int i = 0; i < children.count && rc == ZOK; i++) {
        int number = atoi(strrchr(children.data[i], '-') + 1);
        if (number >= sequence->position) {
            rc = take_one(session, sequence, children.data[i]);
            sequence->position = rc == ZOK ? number + 1 : sequence->position;
        }
    }
    deallocate_String_vector(&children);
    return rc;
}

/* Is a member: an ephemeral znode of this session. One of a former session is waited for until it goes. */
static int join(zhandle_t *session, const char *name)
{
    char path[PATH_BYTES_MAX];
    struct Stat stat;
    snprintf(path, sizeof path, "/members/%s", name);
    int rc = zoo_create(session, path, "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0);
    if (rc == ZNODEEXISTS) {
        rc = zoo_wexists(session, path, on_event, NULL, &stat);
        if (rc == ZNONODE) {
            stir(&is_stirred);
        }
    }
    return rc == ZNONODE ? ZOK : rc;
}

/* -- the process ----------------------------------------------------------------------------------------------------- */

static struct sequence changes = {"/config/changes", 0, apply_change};
static struct sequence trades = {"/trades", 0, see_trade};

static zhandle_t *open_session(const char *hosts)
{
    zhandle_t *session = zookeeper_init(hosts, on_event, SESSION_TIMEOUT_MS, NULL, NULL, 0);
    if (session == NULL) {
        broken("no session", hosts);
    }
    return session;
}

static int is_unanswered(int rc)
{
    return rc == ZCONNECTIONLOSS || rc == ZOPERATIONTIMEOUT || rc == ZSESSIONEXPIRED || rc == ZINVALIDSTATE || rc == ZCLOSING;
}

static void look(zhandle_t *session, const char *name)
{
    int rc = follow(session, &changes);
    if (rc == ZOK) {
        rc = follow(session, &trades);
    }
    if (rc == ZOK) {
        rc = join(session, name);
    }
    fflush(stdout);
    if (rc != ZOK && !is_unanswered(rc)) {
        broken("the server refuses", zerror(rc));
    }
}

int main(int count, char **words)
{
    pthread_t reader;
    if (count != 3) {
        broken("usage", "quotes HOST:PORT/CHROOT NAME");
    }
    zoo_set_debug_level(0);
    zhandle_t *session = open_session(words[1]);
    pthread_create(&reader, NULL, read_to_the_end, NULL);
    while (!take_flag(&is_closing)) {
        wait_until_stirred();
        if (take_flag(&is_expired)) {
            zookeeper_close(session);
            session = open_session(words[1]);
        } else if (zoo_state(session) == ZOO_CONNECTED_STATE) {
            look(session, words[2]);
        }
    }
    zookeeper_close(session);
    return 0;
}
