package main

// Scenarios about events: watches, watch-order. The library knows data, exists and child watches that fire once.

import (
	"fmt"
	"math/rand"
	"sort"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

const znode = "/w/znode"

type setWatch func(c *client, path string) (<-chan zk.Event, error)

var kindsOfWatches = []struct {
	name string
	set  setWatch
}{
	{"existsW", watchExists},
	{"getW", watchData},
	{"childrenW", watchChildren},
}

func watchExists(c *client, path string) (<-chan zk.Event, error) {
	found, stat, channel, err := c.Conn.ExistsW(path)
	say(c.name, "existsW", path, found, err, stat)
	return channel, err
}

func watchData(c *client, path string) (<-chan zk.Event, error) {
	data, stat, channel, err := c.Conn.GetW(path)
	say(c.name, "getW", path, data, err, stat)
	return channel, err
}

func watchChildren(c *client, path string) (<-chan zk.Event, error) {
	names, stat, channel, err := c.Conn.ChildrenW(path)
	say(c.name, "childrenW", path, names, err, stat)
	return channel, err
}

var changes = []struct {
	name string
	make func(c *client)
}{
	{"set", func(c *client) { c.set(znode, "new", -1) }},
	{"set the same", func(c *client) { c.set(znode, "old", -1) }},
	{"set refused", func(c *client) { c.set(znode, "new", 9) }},
	{"setACL", func(c *client) { c.setACL(znode, open, -1) }},
	{"create child", func(c *client) { c.create(znode+"/new", "", 0) }},
	{"create ephemeral child", func(c *client) { c.create(znode+"/e-", "", zk.FlagEphemeralSequential) }},
	{"delete child", func(c *client) { c.delete(znode+"/child", -1) }},
	{"set child", func(c *client) { c.set(znode+"/child", "new", -1) }},
	{"create grandchild", func(c *client) { c.create(znode+"/child/deep", "", 0) }},
	{"delete", func(c *client) { c.delete(znode+"/child", -1); c.delete(znode, -1) }},
	{"multi", func(c *client) {
		c.commit(setting(znode, "1", -1), creating(znode+"/m", 0), setting(znode, "2", -1))
	}},
	{"failed multi", func(c *client) { c.commit(setting(znode, "1", -1), checking(znode, 99)) }},
	{"multi delete", func(c *client) { c.commit(deletingPart(znode+"/child", -1), deletingPart(znode, -1)) }},
	{"multi replace", func(c *client) {
		c.commit(deletingPart(znode+"/child", -1), deletingPart(znode, -1), creating(znode, 0))
	}},
}

func watches(hosts string) {
	watching, writing := connect(hosts, "watching"), connect(hosts, "writing")
	writing.create("/w", "", 0)
	for _, kind := range kindsOfWatches {
		for _, change := range changes {
			watchAndChange(watching, writing, kind.set, change.name, change.make)
		}
	}
	watchesOnWhatIsAbsent(watching, writing)
	severalWatches(hosts, watching, writing)
	watching.Close()
	writing.Close()
}

// watchAndChange sets one watch, makes one change, and makes it again: what was seen after each.
func watchAndChange(watching, writing *client, set setWatch, name string, change func(c *client)) {
	fresh(writing)
	say(name)
	channel, _ := set(watching, znode)
	change(writing)
	watching.tellEvents("seen")
	tellChannel(channel)
	fresh(writing)
	change(writing)
	watching.tellEvents("seen in all")
	tellChannel(channel)
}

// tellChannel says what lies in a watch's own channel, which is closed behind its event.
func tellChannel(channel <-chan zk.Event) {
	select {
	case event, isOpen := <-channel:
		say("channel", isOpen, event)
	default:
		say("channel", "nothing")
	}
}

// fresh makes the znode with one child, as before any change; a watch that was left behind sees this, too.
func fresh(c *client) {
	names, _, err := c.Conn.Children(znode)
	if err == nil {
		for _, name := range names {
			for _, path := range []string{znode + "/" + name + "/deep", znode + "/" + name} {
				if err := c.Conn.Delete(path, -1); err != nil && err != zk.ErrNoNode {
					panic(err)
				}
			}
		}
		must(c.Conn.Delete(znode, -1))
	}
	mustCreate(c, znode)
	mustCreate(c, znode+"/child")
}

func mustCreate(c *client, path string) {
	_, err := c.Conn.Create(path, []byte("old"), 0, open)
	must(err)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func watchesOnWhatIsAbsent(watching, writing *client) {
	makes := []func(path string){
		func(path string) { writing.create(path, "", 0) },
		func(path string) { writing.create(path, "", zk.FlagEphemeral) },
		func(path string) { writing.commit(creating(path, 0)) },
		func(path string) { writing.commit(creating(path, 0), deletingPart(path, -1)) },
	}
	for number, create := range makes {
		path := fmt.Sprintf("/absent-%d", number)
		channel, _ := watchExists(watching, path)
		watchData(watching, path)
		watchChildren(watching, path)
		create(path)
		watching.tellEvents("created")
		tellChannel(channel)
		writing.delete(path, -1)
		watching.tellEvents("deleted")
	}
}

func severalWatches(hosts string, watching, writing *client) {
	other := connect(hosts, "other")
	fresh(writing)
	channels := []<-chan zk.Event{}
	for range [2]int{} {
		for _, kind := range kindsOfWatches {
			channel, _ := kind.set(watching, znode)
			channels = append(channels, channel)
		}
	}
	watchData(other, znode)
	watchChildren(other, "/w")
	writing.set(znode, "1", -1)
	watching.tellEvents("after set")
	other.tellEvents("after set")
	writing.create(znode+"/new", "", 0)
	watching.tellEvents("after create")
	watchExists(watching, znode+"/new")
	watchExists(other, znode+"/new")
	watchChildren(other, znode+"/new")
	writing.delete(znode+"/new", -1)
	watching.tellEvents("after delete")
	other.tellEvents("after delete")
	for _, channel := range channels {
		tellChannel(channel)
	}
	watchExists(watching, "/w/own")
	watching.create("/w/own", "", 0)
	watching.tellEvents("a client sees its own changes")
	channel, _ := watchExists(other, "/w/own")
	other.Close()
	eventually("the watch ends with its client", func() bool { return len(channel) == 1 })
	tellChannel(channel)
	writing.delete("/w/own", -1)
}

func watchOrder(hosts string) {
	watching, writing := connect(hosts, "watching"), connect(hosts, "writing")
	eventsBeforeReplies(watching, writing)
	manyChanges(watching, writing)
	eventsOfAMulti(watching, writing)
	eventsOfASession(hosts, watching)
	watching.Close()
	writing.Close()
}

// No read may show a change before the event of the change has come.
func eventsBeforeReplies(watching, writing *client) {
	writing.create("/order", "0", 0)
	early := 0
	for number := 1; number <= 100; number++ {
		data := fmt.Sprint(number)
		_, _, channel, err := watching.Conn.GetW("/order")
		must(err)
		done := make(chan error, 1)
		go func() { _, err := writing.Conn.Set("/order", []byte(data), -1); done <- err }()
		for {
			found, _, err := watching.Conn.Get("/order")
			must(err)
			if string(found) == data {
				break
			}
		}
		if len(channel) == 1 {
			early++
		}
		must(<-done)
	}
	say("data: event before reply", early)
	early = 0
	for number := 0; number < 100; number++ {
		_, _, channel, err := watching.Conn.ChildrenW("/order")
		must(err)
		done := make(chan error, 1)
		go func() {
			_, err := writing.Conn.Create(fmt.Sprintf("/order/c%02d", number), nil, 0, open)
			done <- err
		}()
		for {
			names, _, err := watching.Conn.Children("/order")
			must(err)
			if len(names) > number {
				break
			}
		}
		if len(channel) == 1 {
			early++
		}
		must(<-done)
	}
	say("children: event before reply", early)
	watching.tellEvents("all events")
}

// Events come in the order of the changes, whatever the order of the watches.
func manyChanges(watching, writing *client) {
	writing.create("/many", "", 0)
	order := []string{}
	for number := 0; number < 50; number++ {
		path := fmt.Sprintf("/many/%02d", number)
		order = append(order, path)
		mustCreate(writing, path)
		_, _, _, err := watching.Conn.GetW(path)
		must(err)
		_, _, _, err = watching.Conn.ExistsW(path + "x")
		must(err)
	}
	rand.New(rand.NewSource(3)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for number, path := range order {
		if number%3 == 0 {
			must(writing.Conn.Delete(path, -1))
		} else {
			_, err := writing.Conn.Set(path, nil, -1)
			must(err)
		}
		mustCreate(writing, path+"x")
	}
	events := watching.takeEvents()
	for len(events) > 10 {
		say("events", events[:10])
		events = events[10:]
	}
	say("events", events)
}

func eventsOfAMulti(watching, writing *client) {
	writing.create("/batch", "", 0)
	for _, name := range []string{"a", "b", "c"} {
		mustCreate(writing, "/batch/"+name)
		watchData(watching, "/batch/"+name)
		watchChildren(watching, "/batch/"+name)
	}
	watchChildren(watching, "/batch")
	watchExists(watching, "/batch/new")
	writing.commit(
		setting("/batch/c", "1", -1), creating("/batch/a/child", 0), deletingPart("/batch/b", -1), creating("/batch/new", 0),
		setting("/batch/a", "1", -1), deletingPart("/batch/c", -1), creating("/batch/b", 0),
	)
	watching.tellEvents("events of a multi")
}

// A session's ephemerals go together; each has its event, and their parent has one. Their order is that of a hash table.
func eventsOfASession(hosts string, watching *client) {
	passing := connect(hosts, "passing")
	watching.create("/stay", "", 0)
	for number := 0; number < 8; number++ {
		path := fmt.Sprintf("/stay/e%d", number)
		passing.create(path, "", zk.FlagEphemeral)
		watchExists(watching, path)
		watchChildren(watching, path)
	}
	watchChildren(watching, "/stay")
	passing.Close()
	tellSorted("events of a session's end", watching.takeEvents())
	watching.children("/stay")
}

func tellSorted(what string, events []zk.Event) {
	sort.Slice(events, func(i, j int) bool {
		return events[i].Path+events[i].Type.String() < events[j].Path+events[j].Type.String()
	})
	say(what, events)
}

// recipes are the library's lock, alone and with three clients in contention.
func recipes(hosts string) {
	clients := []*client{connect(hosts, "a"), connect(hosts, "b"), connect(hosts, "c")}
	lock := zk.NewLock(clients[0].Conn, "/locks/deep", open)
	say("lock", lock.LockWithData([]byte("data")), lock.Lock())
	clients[1].exists("/locks/deep")
	waiting := zk.NewLock(clients[1].Conn, "/locks/deep", open)
	done := make(chan error, 1)
	go func() { done <- waiting.Lock() }()
	eventually("a waiter", func() bool {
		names, _, _ := clients[2].Conn.Children("/locks/deep")
		return len(names) == 2
	})
	say("waiting", len(done))
	say("unlock", lock.Unlock(), lock.Unlock())
	say("acquired", <-done, waiting.Unlock())
	clients[1].exists("/locks/deep")

	var group sync.WaitGroup
	var guard sync.Mutex
	holders, most, total := 0, 0, 0
	count := func(change int) {
		guard.Lock()
		defer guard.Unlock()
		holders += change
		if holders > most {
			most = holders
		}
		total++
	}
	for _, one := range clients {
		group.Add(1)
		go func(one *client) {
			defer group.Done()
			lock := zk.NewLock(one.Conn, "/locks/busy", open)
			for range [10]int{} {
				must(lock.Lock())
				count(1)
				time.Sleep(time.Millisecond)
				count(-1)
				must(lock.Unlock())
			}
		}(one)
	}
	group.Wait()
	say("at most one holder", most, total/2)
	clients[0].exists("/locks/busy")
	clients[0].children("/locks/busy")
	for _, one := range clients {
		one.Close()
	}
}
