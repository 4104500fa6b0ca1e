package main

// Scenarios about single znodes and their changes: crud, create-modes, multi.

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
)

func crud(hosts string) {
	a := connect(hosts, "a")
	creatingAndReading(a)
	changing(a)
	deleting(a)
	badPaths(a)
	manyVersions(a)
	factsOfTheServer(a, hosts)
	a.Close()
}

func creatingAndReading(a *client) {
	a.create("/crud", "first", 0)
	a.exists("/crud")
	a.get("/crud")
	a.children("/crud")
	a.getACL("/crud")
	a.create("/crud", "again", 0)
	a.create("/crud/no/parent", "", 0)
	for _, data := range []string{"", null, "\x00\x00\x00", "text"} {
		path := a.create("/crud/data-", data, zk.FlagSequence)
		a.get(path)
		a.exists("/crud")
	}
	for _, path := range []string{"/absent", "/crud/absent/deeper", "/", "/zookeeper", "/zookeeper/quota"} {
		a.exists(path)
		a.get(path)
		a.children(path)
		a.getACL(path)
		a.sync(path)
	}
}

func changing(a *client) {
	a.set("/crud", "second", -1)
	a.set("/crud", "third", 1)
	a.set("/crud", "stale", 1)
	a.set("/crud", "far ahead", 2147483647)
	a.set("/crud", "negative", -2)
	a.set("/crud", "", -1)
	a.get("/crud")
	a.set("/crud", null, -1)
	a.get("/crud")
	a.set("/absent", "nobody", -1)
	a.set("/", "of the root", -1)
	a.get("/")
	a.exists("/crud")
}

func deleting(a *client) {
	a.create("/crud/gone", "", 0)
	a.delete("/crud", -1)
	a.delete("/crud/gone", 3)
	a.delete("/crud/gone", 0)
	a.delete("/crud/gone", -1)
	a.exists("/crud")
	a.delete("/absent/child", -1)
	a.delete("/", -1)
	a.delete("/zookeeper", -1)
	a.delete("/zookeeper/quota", -1)
	a.create("/crud/passing", "", zk.FlagEphemeral)
	a.create("/crud/passing/child", "", 0)
	a.delete("/crud/passing", 0)
	a.exists("/crud")
}

// Most of them never leave the client; in a transaction it does not look at them.
func badPaths(a *client) {
	for _, path := range []string{
		"", "/", "relative", "/crud/", "/crud//twice", "/./dot", "/crud/..", "/...", "/crud/\x00", "/crud/\x01", "/a\nb",
	} {
		a.create(path, "", 0)
		a.exists(path)
		a.get(path)
		a.set(path, "", -1)
		a.delete(path, -1)
		a.commit(&zk.CreateRequest{Path: path, Acl: open})
		a.commit(&zk.SetDataRequest{Path: path, Version: -1})
		a.commit(&zk.CheckVersionRequest{Path: path, Version: -1})
	}
}

func manyVersions(a *client) {
	a.create("/crud/versions", "", 0)
	for version := int32(0); version < 12; version++ {
		a.set("/crud/versions", fmt.Sprint(version), version)
		a.set("/crud/versions", "too late", version)
	}
	a.delete("/crud/versions", 11)
	a.delete("/crud/versions", 12)
	a.create("/crud/versions", "starts anew", 0)
	a.exists("/crud/versions")
}

func factsOfTheServer(a *client, hosts string) {
	say("ruok", zk.FLWRuok([]string{hosts}, patience))
	stats, ok := zk.FLWSrvr([]string{hosts}, patience)
	one := stats[0]
	version := strings.SplitN(one.Version, "-", 2)[0]
	say("srvr", ok, one.Error, version, one.Mode.String(), one.NodeCount, one.Connections, one.Outstanding)
	say("zxid", one.Epoch, one.Counter)
	clients, ok := zk.FLWCons([]string{hosts}, patience)
	for _, one := range clients[0].Clients {
		say("cons", ok, one.Queued, one.LastOperation, one.SessionID == a.SessionID(), one.Timeout, one.Lcxid > 0, one.Error)
	}
	_, err := a.Conn.IncrementalReconfig([]string{"server.1=127.0.0.1:1:2;3"}, nil, -1)
	a.told("reconfig", nil, err, true)
}

func createModes(hosts string) {
	a, b := connect(hosts, "a"), connect(hosts, "b")
	a.create("/modes", "", 0)
	for flags := int32(-1); flags <= 8; flags++ {
		path := a.create(fmt.Sprintf("/modes/m%d-", flags), "1", flags)
		if path == "" {
			continue
		}
		a.exists(path)
		a.create(path+"/child", "", 0)
		a.children(path)
		a.exists("/modes")
	}
	for flags := int32(0); flags <= 7; flags++ {
		container, err := a.Conn.CreateContainer(fmt.Sprintf("/modes/c%d-", flags), []byte("c"), flags, open)
		a.told("createContainer", list{flags}, err, container)
		a.exists(container)
		passing, err := a.Conn.CreateTTL(fmt.Sprintf("/modes/t%d-", flags), []byte("t"), flags, open, time.Hour)
		a.told("createTTL", list{flags}, err, passing)
		a.exists(passing)
	}
	counters(a)
	ofTwoSessions(a, b)
	b.Close()
	a.children("/modes")
	a.children("/two")
	a.Close()
}

// The number of a sequential znode counts the changes of its parent's children, deletes and plain creates included.
func counters(a *client) {
	a.create("/counters", "", 0)
	a.delete(a.create("/counters/s-", "", zk.FlagSequence), -1)
	a.create("/counters/s-", "", zk.FlagSequence)
	a.create("/counters/plain", "", 0)
	a.create("/counters/s-", "", zk.FlagSequence)
	a.set("/counters", "a change of data does not count", -1)
	a.create("/counters/other-", "", zk.FlagEphemeralSequential)
	a.create("/counters/absent/s-", "", zk.FlagSequence)
	a.create("/counters/s-", "", zk.FlagSequence)
	a.create("/counters/", "an empty name", zk.FlagSequence)
	a.create("/counters/s-0000000008", "in the way of a later number", 0)
	for range [3]int{} {
		a.create("/counters/s-", "", zk.FlagSequence)
	}
	a.create("/root-", "", zk.FlagSequence)
	a.create("/", "", zk.FlagSequence)
	protected, err := a.Conn.CreateProtectedEphemeralSequential("/counters/guarded-", []byte("p"), open)
	say("protected", err, protected[len("/counters/_c_0123456789abcdef0123456789abcdef-"):])
	names, stat, _ := a.Conn.Children("/counters")
	say("counters", len(names), stat)
	a.children("/")
}

func ofTwoSessions(a, b *client) {
	a.create("/two", "", 0)
	for _, one := range []*client{a, b} {
		one.create("/two/of-"+one.name, one.name, zk.FlagEphemeral)
		one.create("/two/both", "", zk.FlagEphemeral)
	}
	a.exists("/two/of-b")
	b.exists("/two/of-a")
	b.delete("/two/of-a", -1)
	b.create("/two/of-a", "now of the other", zk.FlagEphemeral)
	a.exists("/two/of-a")
	a.set("/two/of-b", "changed by a", -1)
	b.get("/two/of-b")
	for _, one := range []*client{a, b} {
		one.create("/two/q-", one.name, zk.FlagEphemeralSequential)
		one.create("/two/q-", one.name, zk.FlagEphemeralSequential)
	}
	a.children("/two")
}

func multi(hosts string) {
	a, stranger := connect(hosts, "a"), connect(hosts, "stranger")
	a.create("/multi", "0", 0)
	everyKind(a)
	partsThatBuildOnEachOther(a)
	failuresInEachPlace(a, stranger)
	a.commit()
	large, undo := list{}, list{}
	for number := 0; number < 200; number++ {
		path := fmt.Sprintf("/multi/n%03d", number)
		large = append(large, &zk.CreateRequest{Path: path, Data: []byte(strings.Repeat("x", number)), Acl: open})
		undo = append(undo, &zk.DeleteRequest{Path: path, Version: -1})
	}
	a.commit(large...)
	a.exists("/multi")
	a.commit(undo...)
	a.children("/multi")
	a.Close()
	stranger.Close()
}

func creating(path string, flags int32) *zk.CreateRequest {
	return &zk.CreateRequest{Path: path, Acl: open, Flags: flags}
}

func setting(path, data string, version int32) *zk.SetDataRequest {
	return &zk.SetDataRequest{Path: path, Data: []byte(data), Version: version}
}

func deletingPart(path string, version int32) *zk.DeleteRequest {
	return &zk.DeleteRequest{Path: path, Version: version}
}

func checking(path string, version int32) *zk.CheckVersionRequest {
	return &zk.CheckVersionRequest{Path: path, Version: version}
}

func everyKind(a *client) {
	a.commit(
		checking("/multi", 0), creating("/multi/a", 0), creating("/multi/s-", zk.FlagSequence), creating("/multi/e", zk.FlagEphemeral),
		creating("/multi/es-", zk.FlagEphemeralSequential), creating("/multi/box", zk.FlagContainer),
		setting("/multi", "2", 0), deletingPart("/multi/a", -1),
	)
	a.get("/multi")
	a.exists("/multi/box")
	a.children("/multi")
}

func partsThatBuildOnEachOther(a *client) {
	a.commit(creating("/multi/p", 0), creating("/multi/p/q", 0), setting("/multi/p/q", "x", 0), checking("/multi/p/q", 1))
	a.commit(deletingPart("/multi/p/q", 1), deletingPart("/multi/p", 0), creating("/multi/p", 0), checking("/multi/p", 0))
	a.commit(setting("/multi/p", "1", -1), setting("/multi/p", "2", -1), setting("/multi/p", "3", 2))
	a.get("/multi/p")
	a.commit(creating("/multi/s-", zk.FlagSequence), creating("/multi/s-", zk.FlagSequence))
	a.commit(deletingPart("/multi/p", -1), creating("/multi/p/q", 0))
	a.commit(creating("/multi/t", 0), checking("/multi/t", 1))
	a.exists("/multi")
}

func failuresInEachPlace(a, stranger *client) {
	a.create("/multi/closed", "", 0, zk.DigestACL(zk.PermAll, "somebody", "else")...)
	failing := list{
		creating("/absent/child", 0), creating("/multi/e", 0), creating("/multi/e/child", 0), creating("/multi/bad\x00path", 0),
		creating("/multi/bad-flags", 99), creating("/multi/ttl", zk.FlagTTL), creating("/multi/closed/child", 0),
		&zk.CreateRequest{Path: "/multi/bad-acl", Acl: []zk.ACL{{Perms: 31, Scheme: "nope", ID: "x"}}},
		&zk.CreateRequest{Path: "/multi/no-acl"},
		setting("/absent", "", -1), setting("/multi/e", "", 7), setting("/multi/closed", "", -1), setting("", "", -1),
		deletingPart("/absent", -1), deletingPart("/multi/e", 7), deletingPart("/multi", -1), deletingPart("/", -1),
		checking("/absent", 0), checking("/absent", -1), checking("/multi/e", 7), checking("/multi/closed", 0),
	}
	others := list{creating("/multi/one", 0), setting("/multi/e", "changed", -1)}
	for _, part := range failing {
		for place := 0; place < 3; place++ {
			parts := append(append(append(list{}, others[:place]...), part), others[place:]...)
			stranger.commit(parts...)
			stranger.exists("/multi")
		}
	}
	stranger.commit(failing[0], failing[1], failing[2])
	a.children("/multi")
	a.get("/multi/e")
}
