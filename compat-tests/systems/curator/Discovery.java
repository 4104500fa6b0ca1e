import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.x.discovery.DownInstancePolicy;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;
import org.apache.curator.x.discovery.ServiceType;
import org.apache.curator.x.discovery.UriSpec;
import org.apache.curator.x.discovery.details.ServiceCacheListener;
import org.apache.curator.x.discovery.strategies.RoundRobinStrategy;
import org.apache.curator.x.discovery.strategies.StickyStrategy;
import org.apache.zookeeper.data.Stat;

/** Services that register themselves, and others that look for them. After a restart each service registers anew. */
final class Discovery {
    private static final String BASE = "/services";

    static void discovery(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        ServiceDiscovery<String> ours = discovery(a, instance("web", "one", ServiceType.DYNAMIC, "first"), true);
        ServiceDiscovery<String> theirs = discovery(b, instance("web", "two", ServiceType.DYNAMIC, "second"), false);
        theirs.registerService(instance("database", "main", ServiceType.STATIC, "kept"));
        theirs.registerService(instance("permanent", "p", ServiceType.PERMANENT, "kept too"));
        scene.sketch(a, BASE);
        scene.say("names", Scene.sorted(ours.queryForNames()), instances(ours, "web"), instances(ours, "absent"));
        restartAndRegister(scene, a, "/web/one", "/web/two", "/database/main", "/permanent/p");
        scene.say("names", Scene.sorted(ours.queryForNames()), instances(theirs, "web"), instances(ours, "database"));
        ours.updateService(instance("web", "one", ServiceType.DYNAMIC, "updated"));
        scene.say("updated", theirs.queryForInstance("web", "one").getPayload(), theirs.queryForInstance("web", "none"));
        ServiceInstance<String> three = instance("web", "three", ServiceType.DYNAMIC, "third");
        ours.registerService(three);
        scene.say("three", instances(theirs, "web"));
        restartAndRegister(scene, a, "/web/one", "/web/two", "/web/three");
        ours.unregisterService(three);
        scene.say("unregistered", instances(theirs, "web"));
        scene.close(b);
        scene.say("after the end of the other", instances(ours, "web"), instances(ours, "database"),
                instances(ours, "permanent"));
        scene.sketch(a, BASE);
        ours.close();
        scene.say("closed", Scene.sorted(a.getChildren().forPath(BASE + "/web")));
    }

    static void provider(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        ServiceDiscovery<String> services = discovery(a, instance("web", "one", ServiceType.DYNAMIC, "1"), false);
        services.registerService(instance("web", "two", ServiceType.DYNAMIC, "2"));
        ServiceDiscovery<String> asking = discovery(scene.client(), null, false);
        ServiceProvider<String> inTurn = asking.serviceProviderBuilder()
                .serviceName("web")
                .providerStrategy(new RoundRobinStrategy<>())
                .downInstancePolicy(new DownInstancePolicy(1, TimeUnit.HOURS, 1))
                .build();
        ServiceProvider<String> same = asking.serviceProviderBuilder()
                .serviceName("web")
                .providerStrategy(new StickyStrategy<>(new RoundRobinStrategy<>()))
                .build();
        inTurn.start();
        same.start();
        scene.say("in turn", everyone(inTurn), "always the same", same.getInstance().getId().equals(same.getInstance().getId()));
        scene.say("uri", inTurn.getInstance().buildUriSpec());
        restartAndRegister(scene, a, "/web/one", "/web/two");
        Scene.eventually("both again", () -> everyone(inTurn).equals(List.of("one", "two")));
        services.registerService(instance("web", "three", ServiceType.DYNAMIC, "3"));
        Scene.eventually("three", () -> inTurn.getAllInstances().size() == 3);
        inTurn.noteError(inTurn.getAllInstances().stream().filter(one -> one.getId().equals("two")).findFirst().get());
        scene.say("one is down", everyone(inTurn));
        String sticky = same.getInstance().getId();
        restartAndRegister(scene, a, "/web/one", "/web/two", "/web/three");
        services.unregisterService(services.queryForInstance("web", sticky));
        Scene.eventually("two", () -> same.getAllInstances().size() == 2);
        scene.say("another", !same.getInstance().getId().equals(sticky));
        scene.close(a);
        Scene.eventually("none", () -> inTurn.getAllInstances().isEmpty());
        scene.say("none", inTurn.getInstance());
        inTurn.close();
        same.close();
    }

    static void cache(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        ServiceDiscovery<String> services = discovery(a, instance("web", "one", ServiceType.DYNAMIC, "1"), false);
        ServiceDiscovery<String> asking = discovery(scene.client(), null, false);
        ServiceCache<String> cache = asking.serviceCacheBuilder().name("web").build();
        CountDownLatch changed = new CountDownLatch(1);
        cache.addListener(new ServiceCacheListener() {
            @Override
            public void cacheChanged() {
                changed.countDown();
            }

            @Override
            public void stateChanged(CuratorFramework client, ConnectionState state) { }
        });
        cache.start();
        scene.say("cached", payloads(cache));
        services.registerService(instance("web", "two", ServiceType.DYNAMIC, "2"));
        scene.say("told", changed.await(Scene.PATIENCE_S, TimeUnit.SECONDS));
        Scene.eventually("two", () -> payloads(cache).equals(List.of("1", "2")));
        services.updateService(instance("web", "one", ServiceType.DYNAMIC, "11"));
        Scene.eventually("updated", () -> payloads(cache).equals(List.of("11", "2")));
        restartAndRegister(scene, a, "/web/one", "/web/two");
        services.registerService(instance("web", "three", ServiceType.STATIC, "3"));
        Scene.eventually("three", () -> payloads(cache).equals(List.of("11", "2", "3")));
        restartAndRegister(scene, a, "/web/one", "/web/two", "/web/three");
        Scene.eventually("all three again", () -> payloads(cache).equals(List.of("11", "2", "3")));
        services.updateService(instance("web", "two", ServiceType.DYNAMIC, "22"));
        Scene.eventually("updated", () -> payloads(cache).equals(List.of("11", "22", "3")));
        scene.say("cached", payloads(cache));
        scene.close(a);
        Scene.eventually("the static one is left", () -> payloads(cache).equals(List.of("3")));
        cache.close();
    }

    private static ServiceDiscovery<String> discovery(CuratorFramework client, ServiceInstance<String> own,
            boolean watched) throws Exception {
        ServiceDiscovery<String> discovery = ServiceDiscoveryBuilder.builder(String.class)
                .client(client)
                .basePath(BASE)
                .thisInstance(own)
                .watchInstances(watched)
                .build();
        discovery.start();
        return discovery;
    }

    /** An instance without anything random in it. */
    private static ServiceInstance<String> instance(String name, String id, ServiceType type, String payload) throws Exception {
        return ServiceInstance.<String>builder()
                .name(name)
                .id(id)
                .address("service.example")
                .port(8080)
                .registrationTimeUTC(0)
                .serviceType(type)
                .uriSpec(new UriSpec("http://{address}:{port}/{name}"))
                .payload(payload)
                .build();
    }

    private static List<String> instances(ServiceDiscovery<String> discovery, String name) throws Exception {
        return Scene.sorted(discovery.queryForInstances(name).stream()
                .map(one -> one.getId() + "=" + one.getPayload())
                .collect(Collectors.toList()));
    }

    /** Restarts the server and waits until every one of these instances has been deleted and registered anew. */
    private static void restartAndRegister(Scene scene, CuratorFramework client, String... instances) throws Exception {
        Map<String, Long> before = new HashMap<>();
        for (String instance : instances) {
            before.put(instance, client.checkExists().forPath(BASE + instance).getCzxid());
        }
        scene.restart();
        for (String instance : instances) {
            Scene.eventually("registered anew: " + instance, () -> {
                Stat stat = client.checkExists().forPath(BASE + instance);
                return stat != null && stat.getCzxid() > before.get(instance);
            });
        }
    }

    private static List<String> payloads(ServiceCache<String> cache) {
        return Scene.sorted(cache.getInstances().stream().map(ServiceInstance::getPayload).collect(Collectors.toList()));
    }

    /** Whom a provider names when it is asked once for each instance. */
    private static List<String> everyone(ServiceProvider<String> provider) throws Exception {
        int count = provider.getAllInstances().size();
        List<String> named = new ArrayList<>();
        for (int turn = 0; turn < count; turn++) {
            named.add(provider.getInstance().getId());
        }
        return Scene.sorted(named);
    }
}
