/* Parts of the tree by themselves: those that a client takes for its root, and those with a quota. */

#include <stdio.h>
#include <string.h>
#include "scenarios.h"

static const char *hosts_with(const char *chroot)
{
    static char hosts[4][256];
    static int turn;
    char *text = hosts[turn++ % 4];
    snprintf(text, 256, "%s%s", server, chroot);
    return text;
}

static void within(struct client *c, const char *path)
{
    look(c, "/");
    create(c, path, "x");
    create(c, path, "x");
    create_mode(c, below(path, "s-"), NULL, ZOO_PERSISTENT_SEQUENTIAL);
    create2(c, below(path, "%s", ""), NULL, ZOO_EPHEMERAL_SEQUENTIAL, -1, NULL);
    create2(c, below(path, "box"), NULL, ZOO_CONTAINER, -1, NULL);
    create(c, "/none/x", NULL);
    exists(c, path);
    look(c, path);
    set(c, path, "y", 0);
    set(c, path, "y", 0);
    sync_path(c, path);
    delete(c, path, -1);
    set_acl(c, path, &ZOO_OPEN_ACL_UNSAFE, 0);
    struct transaction *t = then_create(transaction(), below(path, "m"), NULL, ZOO_PERSISTENT);
    then_set(then_create(t, below(path, "q-"), NULL, ZOO_EPHEMERAL_SEQUENTIAL), path, "z", 1);
    commit(c, "inside", then_check(t, "/", -1));
    commit(c, "fails inside", then_check(then_delete(transaction(), below(path, "m"), 0), path, 0));
    children2(c, path, NULL);
    exists(c, "/realm");
    exists(c, "/zookeeper");
}

/* Events have paths as their client sees them. */
static void watched(struct client *inside, struct client *outside, const char *root)
{
    get_watched(inside, "/a", &inside->standard);
    children_watched(inside, "/", watcher_of(inside, "children of the root"));
    get_watched(inside, "/", watcher_of(inside, "the root"));
    exists_watched(inside, "/later", watcher_of(inside, "later"));
    set(outside, below(root, "a"), "from outside", -1);
    settle(inside);
    create(outside, below(root, "later"), "l");
    settle(inside);
    set(outside, root, "from outside", -1);
    settle(inside);
    children_watched(inside, "/a", watcher_of(inside, "children of a"));
    get_watched(outside, below(root, "later"), &outside->standard);
    set(inside, "/later", "from inside", -1);
    settle(outside);
    delete(outside, below(root, "later"), -1);
    create(inside, "/a/more", NULL);
    settle(inside);
}

static void no_such_root(struct client *outside)
{
    struct client *lost = open_at("lost", hosts_with("/not/there"), timeout_ms, NULL, true);
    exists(lost, "/");
    look(lost, "/");
    create(lost, "/x", "x");
    create(lost, "/", "x");
    exists_watched(lost, "/", &lost->standard);
    create(outside, "/not", NULL);
    create(outside, "/not/there", "made from outside");
    settle(lost);
    create(lost, "/x", "x");
    delete(lost, "/x", -1);
    exists(outside, "/not/there");
    children2(outside, "/", NULL);
}

void play_chroot(void)
{
    static const char *const roots[] = {"/realm", "/realm/inner"};
    static const char *const bad[] = {"/x/", "//x", "/./x", "/x//y"};
    struct client *outside = open_session("outside");
    create(outside, "/realm", "r");
    create(outside, "/realm/inner", "i");
    for (int at = 0; at < 2; at++) {
        struct client *inside = open_at(at == 0 ? "inside" : "deep inside", hosts_with(roots[at]), timeout_ms, NULL, true);
        within(inside, "/a");
        inside->by_callback = true;
        within(inside, "/b");
        watched(inside, outside, roots[at]);
        close_session(inside);
        children2(outside, roots[at], NULL);
    }
    no_such_root(outside);
    for (int at = 0; at < 4; at++) {
        struct client *c = open_at("bad", hosts_with(bad[at]), timeout_ms, NULL, false);
        say(c->name, "chroot", "sb", bad[at], c->handle != NULL);
    }
}

static void quota(struct client *c, const char *path, const char *limits)
{
    char node[256];
    snprintf(node, sizeof node, "/zookeeper/quota");
    char names[128];
    snprintf(names, sizeof names, "%s", path + 1);
    for (char *rest = names, *name; (name = strsep(&rest, "/")) != NULL;) {
        snprintf(node + strlen(node), sizeof node - strlen(node), "/%s", name);
        create(c, node, NULL);
    }
    create(c, below(node, "zookeeper_limits"), limits);
    create(c, below(node, "zookeeper_stats"), "count=0,bytes=0");
}

static void statistics(struct client *c, const char *path)
{
    get(c, below("/zookeeper/quota", "%s/zookeeper_stats", path + 1));
}

static void growth(struct client *c, const char *path)
{
    for (int at = 0; at < 3; at++) {
        create(c, below(path, "n%d", at), "1234");
        statistics(c, path);
    }
    set(c, below(path, "n0"), "1234567890", -1);
    statistics(c, path);
    set(c, below(path, "n0"), NULL, -1);
    statistics(c, path);
    create_mode(c, below(path, "s-"), "1", ZOO_EPHEMERAL_SEQUENTIAL);
    create2(c, below(path, "box"), "1", ZOO_CONTAINER, -1, NULL);
    statistics(c, path);
    delete(c, below(path, "n0"), -1);
    statistics(c, path);
    children2(c, path, NULL);
}

static void hard_limits(struct client *c)
{
    set(c, "/hard", "123456789012345678901234567890", -1);
    create(c, "/hard/long", "123456789012345678901234567890");
    c->by_callback = true;
    set(c, "/hard", "123456789012345678901234567890", -1);
    create2(c, "/hard/long", "123456789012345678901234567890", ZOO_PERSISTENT, -1, NULL);
    c->by_callback = false;
    set(c, "/hard", "1", -1);
    statistics(c, "/hard");
    struct transaction *t = then_set(transaction(), "/hard", "22", -1);
    for (int at = 0; at < 3; at++) then_create(t, below("/hard", "x%d", at), NULL, ZOO_PERSISTENT);
    commit(c, "beyond the limit", t);
    commit(c, "within the limit", then_set(then_set(transaction(), "/hard", "22", -1), "/hard/before", NULL, -1));
    statistics(c, "/hard");
    children2(c, "/hard", NULL);
    set(c, "/zookeeper/quota/hard/zookeeper_limits", "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=6", -1);
    for (int at = 0; at < 4; at++) create(c, below("/hard", "y%d", at), "12345678901234567890");
    statistics(c, "/hard");
}

static void nested(struct client *c)
{
    create(c, "/nest", NULL);
    create(c, "/nest/inner", NULL);
    quota(c, "/nest/inner", "count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=3");
    create(c, "/nest/inner/a", "12345");
    create(c, "/nest/inner/a/b", "1234567");
    create(c, "/nest/inner/a/b", "12345");
    create(c, "/nest/other", "12345678901234567890");
    statistics(c, "/nest/inner");
    quota(c, "/nest", "count=-1,bytes=-1=;byteHardLimit=40;countHardLimit=6");
    statistics(c, "/nest");
    create(c, "/nest/more", "12345678901234567890");
    delete(c, "/nest/inner/a/b", -1);
    statistics(c, "/nest");
    statistics(c, "/nest/inner");
}

/* Quotas are znodes that the console's setquota would create. */
void play_quotas(void)
{
    struct client *c = open_session("a");
    create(c, "/counted", "12345");
    create(c, "/counted/before", "123");
    quota(c, "/counted", "count=4,bytes=20");
    statistics(c, "/counted");
    growth(c, "/counted");
    create(c, "/hard", "12345");
    create(c, "/hard/before", "123");
    quota(c, "/hard", "count=-1,bytes=-1=;byteHardLimit=20;countHardLimit=4");
    statistics(c, "/hard");
    growth(c, "/hard");
    hard_limits(c);
    nested(c);
    children2(c, "/zookeeper/quota", NULL);
    look(c, "/zookeeper/quota/hard");
    delete(c, "/zookeeper/quota/hard/zookeeper_limits", -1);
    create(c, "/hard/lifted", "12345678901234567890");
    statistics(c, "/hard");
    delete(c, "/zookeeper/quota/hard/zookeeper_stats", -1);
    delete(c, "/zookeeper/quota/hard", -1);
    create(c, "/hard/free", "1");
    children2(c, "/hard", NULL);
}
