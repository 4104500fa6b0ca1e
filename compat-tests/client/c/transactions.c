/* Multis: each kind of part, each failure at each place, and that nothing of a failed one is left. */

#include <string.h>
#include "scenarios.h"

/*
 * Every kind of part, alone and together. No container: this library asks for one in a multi without a place for the Stat
 * that comes back, reads it as the next part's result and ends the process.
 */
static void parts(struct client *c, const char *root)
{
    create(c, root, "0");
    commit(c, "create", then_create(transaction(), below(root, "a"), "made", ZOO_PERSISTENT));
    commit(c, "set", then_set(transaction(), below(root, "a"), "1", 0));
    commit(c, "set to null", then_set(transaction(), below(root, "a"), NULL, -1));
    commit(c, "check", then_check(transaction(), below(root, "a"), 2));
    commit(c, "check any version", then_check(transaction(), below(root, "a"), -1));
    look(c, below(root, "a"));
    commit(c, "delete", then_delete(transaction(), below(root, "a"), 2));
    struct transaction *t = transaction();
    then_create(t, below(root, "p"), "p", ZOO_PERSISTENT);
    then_create(t, below(root, "e"), "e", ZOO_EPHEMERAL);
    then_create(t, below(root, "ps-"), NULL, ZOO_PERSISTENT_SEQUENTIAL);
    then_create(t, below(root, "es-"), "", ZOO_EPHEMERAL_SEQUENTIAL);
    then_create(t, below(root, "%s", ""), "nameless", ZOO_PERSISTENT_SEQUENTIAL);
    commit(c, "each mode", t);
    children2(c, root, NULL);
    look(c, below(root, "p"));
    look(c, below(root, "e"));
    t = then_set(then_check(transaction(), below(root, "p"), 0), below(root, "p"), "changed", 0);
    then_create(t, below(root, "p/child"), "c", ZOO_PERSISTENT);
    commit(c, "all kinds", then_check(then_delete(t, below(root, "e"), -1), root, -1));
    look(c, below(root, "p"));
    children2(c, root, NULL);
}

/* Parts that build on those before them. */
static void dependent_parts(struct client *c)
{
    const char *root = "/m/chain";
    create(c, root, "0");
    struct transaction *t = then_create(transaction(), below(root, "p"), "p", ZOO_PERSISTENT);
    then_create(t, below(root, "p/a"), "a", ZOO_PERSISTENT);
    commit(c, "parent and children", then_create(t, below(root, "p/a/b"), "b", ZOO_PERSISTENT));
    look(c, below(root, "p/a"));
    t = then_set(then_set(transaction(), root, "1", 0), root, "2", 1);
    commit(c, "versions rise", then_set(then_check(t, root, 2), root, "3", 2));
    look(c, root);
    t = then_delete(then_delete(transaction(), below(root, "p/a/b"), 0), below(root, "p/a"), 0);
    then_create(t, below(root, "p/a"), "again", ZOO_PERSISTENT);
    commit(c, "gone and made again", then_check(t, below(root, "p/a"), 0));
    look(c, below(root, "p"));
    t = then_create(transaction(), below(root, "brief"), "b", ZOO_PERSISTENT);
    commit(c, "made and gone", then_delete(then_set(t, below(root, "brief"), "x", 0), below(root, "brief"), 1));
    children2(c, root, NULL);
    t = then_create(transaction(), below(root, "s-"), NULL, ZOO_PERSISTENT_SEQUENTIAL);
    then_create(t, below(root, "plain"), NULL, ZOO_PERSISTENT);
    then_delete(then_create(t, below(root, "s-"), NULL, ZOO_PERSISTENT_SEQUENTIAL), below(root, "plain"), -1);
    commit(c, "counter", then_create(t, below(root, "s-"), NULL, ZOO_EPHEMERAL_SEQUENTIAL));
    children2(c, root, NULL);
    t = then_create(transaction(), below(root, "twice"), NULL, ZOO_PERSISTENT);
    commit(c, "made twice", then_create(t, below(root, "twice"), NULL, ZOO_PERSISTENT));
    t = then_create(transaction(), below(root, "e"), NULL, ZOO_EPHEMERAL);
    commit(c, "child of an ephemeral of before", then_create(t, below(root, "e/x"), NULL, ZOO_PERSISTENT));
    commit(c, "stale version", then_set(then_set(transaction(), below(root, "p"), "1", 0), below(root, "p"), "2", 0));
    t = transaction();
    for (int at = 0; at < 200; at++) {
        if (at % 2 == 0) then_create(t, below(root, "many-%d", at), "m", ZOO_PERSISTENT);
        else then_set(t, below(root, "many-%d", at - 1), "v", 0);
    }
    commit(c, "two hundred", t);
    children2(c, root, NULL);
}

enum failure {
    create_there, create_no_parent, create_below_ephemeral, create_forbidden, create_no_acl, create_nobody,
    create_unknown_scheme, delete_absent, delete_version, delete_not_empty, delete_root, set_absent, set_version,
    set_forbidden, check_absent, check_version, failure_count
};

static const char *const failure_names[] = {
    "create: there already", "create: no parent", "create: below an ephemeral", "create: no permission",
    "create: no ACL", "create: nobody", "create: unknown scheme", "delete: absent", "delete: wrong version",
    "delete: not empty", "delete: the root", "set: absent", "set: wrong version", "set: no permission",
    "check: absent", "check: wrong version",
};

static void then_fail(struct transaction *t, const char *root, enum failure failure)
{
    static const struct ACL_vector no_acl = {0, NULL};
    static struct ACL_vector nobody, unknown;
    if (nobody.count == 0) {
        nobody = acl_of(31, "auth", "");
        unknown = acl_of(31, "nonsense", "x");
    }
    switch (failure) {
    case create_there: then_create(t, below(root, "full"), "x", ZOO_PERSISTENT); break;
    case create_no_parent: then_create(t, below(root, "none/x"), "x", ZOO_PERSISTENT); break;
    case create_below_ephemeral: then_create(t, below(root, "mortal/x"), "x", ZOO_PERSISTENT); break;
    case create_forbidden: then_create(t, below(root, "closed/x"), "x", ZOO_PERSISTENT); break;
    case create_no_acl: then_create_with(t, below(root, "x"), &no_acl, ZOO_PERSISTENT); break;
    case create_nobody: then_create_with(t, below(root, "x"), &nobody, ZOO_PERSISTENT); break;
    case create_unknown_scheme: then_create_with(t, below(root, "x"), &unknown, ZOO_PERSISTENT); break;
    case delete_absent: then_delete(t, below(root, "none"), -1); break;
    case delete_version: then_delete(t, below(root, "mortal"), 7); break;
    case delete_not_empty: then_delete(t, below(root, "full"), -1); break;
    case delete_root: then_delete(t, "/", -1); break;
    case set_absent: then_set(t, below(root, "none"), "x", -1); break;
    case set_version: then_set(t, below(root, "full"), "x", 7); break;
    case set_forbidden: then_set(t, below(root, "closed"), "x", -1); break;
    case check_absent: then_check(t, below(root, "none"), -1); break;
    case check_version: then_check(t, below(root, "full"), 7); break;
    case failure_count: fail("no such failure");
    }
}

/* Each failure alone, and as first, middle and last part. */
static void failures(struct client *c, const char *root)
{
    struct ACL_vector closed = acl_of(ZOO_PERM_READ, "world", "anyone");
    create(c, root, "0");
    create(c, below(root, "full"), "0");
    create(c, below(root, "full/child"), "0");
    create_mode(c, below(root, "mortal"), "0", ZOO_EPHEMERAL);
    create_with(c, below(root, "closed"), text("0"), &closed, ZOO_PERSISTENT);
    for (int failure = 0; failure < failure_count; failure++) {
        for (int place = -1; place < 3; place++) {
            struct transaction *t = transaction();
            if (place > 0) then_create(t, below(root, "before"), "x", ZOO_PERSISTENT);
            if (place == 2) then_set(t, root, "after", -1);
            then_fail(t, root, (enum failure)failure);
            if (place == 0) then_create(t, below(root, "before"), "x", ZOO_PERSISTENT);
            if (place == 0 || place == 1) then_set(t, root, "after", -1);
            commit(c, failure_names[failure], t);
        }
        children2(c, root, NULL);
        exists(c, below(root, "full"));
    }
}

/* Watches are told of the parts in their order. */
static void events(struct client *c)
{
    struct client *watching = open_session("b");
    create(c, "/m/seen", "0");
    get_watched(watching, "/m/seen", watcher_of(watching, "data"));
    children_watched(watching, "/m/seen", watcher_of(watching, "children"));
    exists_watched(watching, "/m/seen/x", watcher_of(watching, "x"));
    exists_watched(watching, "/m/seen/y", watcher_of(watching, "y"));
    struct transaction *t = then_create(transaction(), "/m/seen/x", NULL, ZOO_PERSISTENT);
    commit(c, "fails", then_check(then_set(t, "/m/seen", "1", -1), "/m/seen", 0));
    settle(watching);
    t = then_set(then_create(transaction(), "/m/seen/y", NULL, ZOO_PERSISTENT), "/m/seen", "1", 0);
    commit(c, "works", then_delete(then_create(t, "/m/seen/x", NULL, ZOO_PERSISTENT), "/m/seen/y", -1));
    settle(watching);
    look(watching, "/m/seen");
}

void play_multi(void)
{
    struct client *c = open_session("a");
    create(c, "/m", "root");
    parts(c, "/m/waits");
    dependent_parts(c);
    failures(c, "/m/fails");
    c->by_callback = true;
    parts(c, "/m/called-back");
    failures(c, "/m/fails-too");
    c->by_callback = false;
    events(c);
}
