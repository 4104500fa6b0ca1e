package main

// Scenarios about what a tree can hold: ttl-and-containers, quotas, large-data, unicode, many-children.

import (
	"crypto/sha256"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

func (c *client) createContainer(path string) {
	created, err := c.Conn.CreateContainer(path, []byte("c"), zk.FlagContainer, open)
	c.told("createContainer", list{path}, err, created)
}

func (c *client) createTTL(path string, flags int32, ttl time.Duration) string {
	created, err := c.Conn.CreateTTL(path, []byte("t"), flags, open, ttl)
	c.told("createTTL", list{path, flags, ttl.Milliseconds()}, err, created)
	return created
}

// tellOwner says the owner by a name that is not masked: for these znodes it holds their kind and their time.
func (c *client) tellOwner(path string) {
	_, stat, err := c.Conn.Get(path)
	c.told("owner", list{path}, err, fmt.Sprintf("%#x", uint64(stat.EphemeralOwner)))
}

// gone waits until the reaper has taken a znode.
func (c *client) gone(path string) {
	found, _, channel, err := c.Conn.ExistsW(path)
	must(err)
	if found {
		<-channel
	}
	c.exists(path)
}

func ttlAndContainers(hosts string) {
	a := connect(hosts, "a")
	containers(a)
	ttls(a)
	wrongTTLs(a)
	a.children("/")
	a.Close()
}

func containers(a *client) {
	a.createContainer("/box")
	a.createContainer("/box")
	a.createContainer("/never-used")
	a.createContainer("/absent/box")
	a.create("/by-plain-create", "", zk.FlagContainer)
	for _, path := range []string{"/box", "/never-used", "/by-plain-create"} {
		a.exists(path)
		a.tellOwner(path)
	}
	a.create("/box/child", "", 0)
	a.createContainer("/box/inner")
	a.create("/box/inner/child", "", zk.FlagEphemeral)
	parent, _ := watchChildren(a, "/box")
	a.delete("/box/inner/child", -1)
	a.gone("/box/inner")
	say("the parent sees it", <-parent)
	a.exists("/box")
	a.delete("/box/child", -1)
	a.gone("/box")
	a.create("/box", "as any other", 0)
	a.exists("/never-used")
	a.set("/never-used", "changed", 0)
	a.delete("/never-used", 1)
	a.delete("/by-plain-create", -1)
}

func ttls(a *client) {
	begun := time.Now()
	a.createTTL("/short", zk.FlagTTL, time.Second)
	a.tellOwner("/short")
	a.exists("/short")
	sequential := a.createTTL("/short-", zk.FlagPersistentSequentialWithTTL, time.Second)
	a.tellOwner(sequential)
	a.createTTL("/long", zk.FlagTTL, time.Hour)
	a.createTTL("/with-child", zk.FlagTTL, 500*time.Millisecond)
	a.create("/with-child/child", "", 0)
	a.createTTL("/with-child/inner", zk.FlagTTL, 300*time.Millisecond)
	a.gone("/short")
	say("not before its time", time.Since(begun) >= time.Second)
	a.gone(sequential)
	a.gone("/with-child/inner")
	a.exists("/with-child")
	a.delete("/with-child/child", -1)
	a.gone("/with-child")
	renewed(a)
	a.set("/long", "changed", 0)
	a.tellOwner("/long")
	a.exists("/long")
	a.delete("/long", -1)
}

// A change begins the time anew; it is made when another znode's time has passed.
func renewed(a *client) {
	a.createTTL("/renewed", zk.FlagTTL, 2*time.Second)
	a.createTTL("/clock", zk.FlagTTL, 100*time.Millisecond)
	a.gone("/clock")
	changed := time.Now()
	a.set("/renewed", "once more", 0)
	a.gone("/renewed")
	say("its time begins anew", time.Since(changed) >= 2*time.Second)
}

func wrongTTLs(a *client) {
	const longest = (1<<40 - 1) * time.Millisecond
	for _, ttl := range []time.Duration{0, -time.Millisecond, -time.Hour, longest, longest + time.Millisecond, time.Microsecond} {
		if created := a.createTTL("/wrong", zk.FlagTTL, ttl); created != "" {
			a.tellOwner(created)
			a.delete(created, -1)
		}
		a.createTTL("/wrong-", zk.FlagPersistentSequentialWithTTL, ttl)
	}
	a.create("/wrong", "", zk.FlagTTL)
	a.commit(creating("/wrong", zk.FlagTTL))
	a.commit(creating("/wrong", zk.FlagContainer), deletingPart("/wrong", -1))
	names, _, err := a.Conn.Children("/")
	must(err)
	for _, name := range names {
		if strings.HasPrefix(name, "wrong-") {
			a.delete("/"+name, -1)
		}
	}
}

const quotaRoot = "/zookeeper/quota"

// setQuota does as `zkCli setquota` does.
func setQuota(a *client, path, limits string) {
	whole := quotaRoot
	for _, part := range strings.Split(path[1:], "/") {
		whole += "/" + part
		a.create(whole, null, 0)
	}
	a.create(whole+"/zookeeper_limits", limits, 0)
	a.create(whole+"/zookeeper_stats", "count=0,bytes=0", 0)
	showQuota(a, path)
}

func showQuota(a *client, path string) {
	a.get(quotaRoot + path + "/zookeeper_limits")
	a.get(quotaRoot + path + "/zookeeper_stats")
}

func quotas(hosts string) {
	a := connect(hosts, "a")
	a.create("/soft", "12345", 0)
	a.create("/soft/child", "678", 0)
	setQuota(a, "/soft", "count=3,bytes=20")
	use(a, "/soft")
	a.create("/hard", "12345", 0)
	setQuota(a, "/hard", "count=-1,bytes=-1=;byteHardLimit=40;countHardLimit=4")
	use(a, "/hard")
	a.set("/hard/b", strings.Repeat("y", 60), 99)
	tooMuch := &zk.CreateRequest{Path: "/hard/m", Data: []byte("too many bytes for this limit, by far"), Acl: open}
	a.commit(setting("/hard/b", "", -1), tooMuch)
	showQuota(a, "/hard")
	a.create("/soft/inner", "i", 0)
	setQuota(a, "/soft/inner", "count=10,bytes=100")
	a.create("/soft/inner/x", "xyz", 0)
	a.createContainer("/soft/inner/box")
	showQuota(a, "/soft")
	showQuota(a, "/soft/inner")
	a.set(quotaRoot+"/hard/zookeeper_limits", "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2", -1)
	a.create("/hard/late", "", 0)
	a.delete(quotaRoot+"/hard/zookeeper_limits", -1)
	a.delete(quotaRoot+"/hard/zookeeper_stats", -1)
	a.create("/hard/free", strings.Repeat("f", 100), 0)
	a.children(quotaRoot)
	a.children("/hard")
	a.Close()
}

// use makes changes of every kind, some beyond the limits.
func use(a *client, path string) {
	a.create(path+"/b", "90", 0)
	a.set(path+"/b", "longer than before", -1)
	a.set(path+"/b", "", -1)
	a.create(path+"/b/deep", "x", 0)
	a.create(path+"/c", strings.Repeat("x", 50), 0)
	a.create(path+"/d", "", zk.FlagEphemeral)
	a.create(path+"/s-", "12", zk.FlagSequence)
	showQuota(a, path)
	a.commit(creating(path+"/m1", 0), setting(path+"/b", "bb", -1), deletingPart(path+"/c", -1))
	a.commit(creating(path+"/m3", 0), checking(path, 99))
	showQuota(a, path)
	a.create(path+"neighbour", "not below it", 0)
	a.delete(path+"/b/deep", -1)
	a.set(path, "its own data counts", -1)
	showQuota(a, path)
}

func largeData(hosts string) {
	a := connect(hosts, "a")
	a.create("/ephemeral", "", zk.FlagEphemeral)
	megabyte := strings.Repeat("0123456789", 100_000)
	a.create("/large", megabyte, 0)
	a.get("/large")
	a.set("/large", megabyte[1:], -1)
	a.get("/large")
	a.create("/nearly", strings.Repeat("n", 1_048_000), 0)
	a.get("/nearly")
	for _, size := range []int{1_048_576, 1_100_000, 1_500_000} {
		a.create("/too-large", strings.Repeat("t", size), 0)
		a.awaitStates(zk.StateDisconnected, zk.StateHasSession)
		a.exists("/too-large")
	}
	a.set("/nearly", strings.Repeat("t", 1_100_000), -1)
	a.awaitStates(zk.StateDisconnected, zk.StateHasSession)
	a.exists("/nearly")
	a.exists("/ephemeral")
	largeMulti(a)
	for _, length := range []int{1000, 50_000, 500_000} {
		path := "/" + strings.Repeat("p", length)
		a.create(path, "data of a long path", 0)
		a.get(path)
		a.create(path+"/child", "", 0)
		a.children(path)
		a.delete(a.create(path+"/s-", "", zk.FlagSequence), -1)
		a.delete(path+"/child", -1)
		a.delete(path, -1)
	}
	a.children("/")
	a.Close()
}

func largeMulti(a *client) {
	a.create("/multi", "", 0)
	of := func(count, bytes int, prefix string) list {
		parts := list{}
		for number := 0; number < count; number++ {
			parts = append(parts, &zk.CreateRequest{Path: fmt.Sprintf("/multi/%s%03d", prefix, number), Data: make([]byte, bytes), Acl: open})
		}
		return parts
	}
	results, err := a.Conn.Multi(of(300, 3000, "")...)
	say("large multi", err, len(results), results[299].String)
	a.children("/multi")
	results, err = a.Conn.Multi(of(130, 10_000, "x")...)
	say("too large", err, len(results))
	a.awaitStates(zk.StateDisconnected, zk.StateHasSession)
	a.exists("/multi")
}

func unicode(hosts string) {
	a := connect(hosts, "a")
	a.create("/u", "", 0)
	for _, text := range []string{
		"grüße-façade", "Ζωολογία", "зоопарк", "גן-חיות", "حديقة", "动物园", "どうぶつえん", "동물원", "สวนสัตว์",
		"cafe\u0301", "caf\u00e9", "a b\u00a0c\u3000d", "a\u200bb\u200dc", "\ufeffx", "\uffef",
	} {
		path := "/u/" + text
		watchExists(a, path)
		a.create(path, text, 0)
		a.get(path)
		a.create(path+"/"+text+"-", text, zk.FlagSequence)
		a.children(path)
		a.sync(path)
		a.tellEvents("seen")
		a.commit(creating(path+"多", 0), setting(path, "多", 0), deletingPart(path+"多", -1))
	}
	a.children("/u")
	// What the library refuses itself still goes through in a transaction.
	for _, character := range []string{
		"\x00", "\x01", "\x1f", "\x7f", "\u009f", "\ue000", "\uf8ff", "\ufff0", "\uffff", "😀", "𝒵", " ", "\u00a0",
	} {
		path := "/u/x" + character + "y"
		a.create(path, "", 0)
		a.exists(path)
		a.create(path+"-", "", zk.FlagSequence)
		a.commit(creating(path+"m", 0))
	}
	for _, data := range []string{"😀 🐘", "\u0000", "多"} {
		a.set("/u", data, -1)
		a.get("/u")
	}
	a.children("/u")
	a.Close()
}

const manyCount = 10_000

func manyChildren(hosts string) {
	a, watching := connect(hosts, "a"), connect(hosts, "watching")
	a.create("/many", "", 0)
	watchChildren(watching, "/many")
	name := func(number int) string { return fmt.Sprintf("/many/child-%05d", number) }
	atOnce(manyCount, func(number int) error {
		_, err := a.Conn.Create(name(number), []byte(fmt.Sprint(number)), 0, open)
		return err
	})
	watching.tellEvents("one event")
	summary(a)
	a.get(name(4_999))
	watchChildren(watching, "/many")
	watchExists(watching, name(77))
	atOnce(manyCount/2, func(number int) error { return a.Conn.Delete(name(number), -1) })
	tellSorted("two events", watching.takeEvents())
	summary(a)
	a.create("/many/s-", "", zk.FlagSequence)
	atOnce(1000, func(int) error { _, err := a.Conn.Create("/many/q-", nil, zk.FlagSequence, open); return err })
	summary(a)
	a.delete("/many", -1)
	names, _, err := a.Conn.Children("/many")
	must(err)
	atOnce(len(names), func(number int) error { return a.Conn.Delete("/many/"+names[number], -1) })
	summary(a)
	a.delete("/many", -1)
	a.Close()
	watching.Close()
}

func summary(a *client) {
	names, stat, err := a.Conn.Children("/many")
	sort.Strings(names)
	text := fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(names, "\n"))))
	if len(names) == 0 {
		say("children", 0, err, stat)
		return
	}
	say("children", len(names), names[0], names[len(names)-1], text, err, stat)
}

// atOnce makes `count` calls, many of them on their way at a time.
func atOnce(count int, call func(number int) error) {
	numbers := make(chan int)
	var group sync.WaitGroup
	for range [256]int{} {
		group.Add(1)
		go func() {
			defer group.Done()
			for number := range numbers {
				must(call(number))
			}
		}()
	}
	for number := 0; number < count; number++ {
		numbers <- number
	}
	close(numbers)
	group.Wait()
}
