import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Curator's recipes as a service uses them: several contenders, and the server restarted while they are at it. One recipe a
 * run; what was seen goes to stdout, one JSON value a line.
 *
 * usage: Recipes HOST:PORT RECIPE restart|crash
 */
public final class Recipes {
    public static void main(String[] words) {
        Scene.Recipe recipe = all().get(words[1]);
        if (recipe == null) {
            throw new IllegalArgumentException(words[1] + " is none of " + all().keySet());
        }
        try {
            recipe.play(new Scene(words[0], words[2]));
            System.exit(0);
        } catch (Throwable error) {
            error.printStackTrace();
            System.exit(1);
        }
    }

    private static Map<String, Scene.Recipe> all() {
        Map<String, Scene.Recipe> recipes = new LinkedHashMap<>();
        recipes.put("framework", Framework::calls);
        recipes.put("transactions", Framework::transactions);
        recipes.put("persistent-watcher", Framework::persistentWatcher);
        recipes.put("lost-session", Leaders::lostSession);
        recipes.put("leader-latch", Leaders::latch);
        recipes.put("leader-selector", Leaders::selector);
        recipes.put("mutex", Locks::mutex);
        recipes.put("revocable-mutex", Locks::revocable);
        recipes.put("semaphore-mutex", Locks::semaphoreMutex);
        recipes.put("read-write-lock", Locks::readWrite);
        recipes.put("multi-lock", Locks::multi);
        recipes.put("semaphore", Locks::semaphore);
        recipes.put("barrier", Counters::barrier);
        recipes.put("double-barrier", Counters::doubleBarrier);
        recipes.put("shared-count", Counters::sharedCount);
        recipes.put("atomic-long", Counters::atomicLong);
        recipes.put("promoted-to-lock", Counters::promotedToLock);
        recipes.put("queue", Queues::queue);
        recipes.put("id-queue", Queues::idQueue);
        recipes.put("priority-queue", Queues::priorityQueue);
        recipes.put("delay-queue", Queues::delayQueue);
        recipes.put("simple-queue", Queues::simpleQueue);
        recipes.put("path-children-cache", Caches::pathChildren);
        recipes.put("node-cache", Caches::node);
        recipes.put("tree-cache", Caches::tree);
        recipes.put("curator-cache", Caches::curator);
        recipes.put("persistent-node", Nodes::persistent);
        recipes.put("persistent-ttl-node", Nodes::persistentTtl);
        recipes.put("group-member", Nodes::groupMember);
        recipes.put("service-discovery", Discovery::discovery);
        recipes.put("service-provider", Discovery::provider);
        recipes.put("service-cache", Discovery::cache);
        return recipes;
    }
}
