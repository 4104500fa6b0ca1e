package main

// Scenarios about sessions: session-end, session-expiry, session-move, restart, crash.
//
// While a server goes and comes back its clients are kept away: ZooKeeper may accept a connection while it starts, and
// never answer it, and a client would wait for that until its session has expired.

import (
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

// brief is the timeout of sessions that are to expire.
const brief = 2 * time.Second

func sessionEnd(hosts string) {
	a, watching := connect(hosts, "a"), connect(hosts, "watching")
	say("session", a.sessionID(), a.State().String())
	a.create("/end", "", 0)
	for _, name := range []string{"x", "y"} {
		a.create("/end/"+name, "", zk.FlagEphemeral)
		watchExists(watching, "/end/"+name)
	}
	watchChildren(watching, "/end")
	a.create("/end/stays", "", 0)
	watching.tellEvents("a child more")
	a.Close()
	a.awaitStates(zk.StateDisconnected)
	tellSorted("seen", watching.takeEvents())
	watching.children("/end")
	a.get("/end/stays")
	a.exists("/end/stays")
	a.delete("/end/stays", -1)
	a.create("/end/late", "", 0)
	a.commit(creating("/end/late", 0))
	a.Close()
	manySessions(hosts, watching)
	watching.Close()
}

func manySessions(hosts string, watching *client) {
	many := []*client{}
	for number := 0; number < 20; number++ {
		one := connect(hosts, fmt.Sprint("many ", number))
		one.create(fmt.Sprintf("/many-%02d", number), "", zk.FlagEphemeral)
		many = append(many, one)
	}
	watching.children("/")
	for number, one := range many {
		one.Close()
		if number == 9 {
			watching.children("/")
		}
	}
	watching.children("/")
}

func sessionExpiry(hosts string) {
	way := newRelay(hosts)
	watching := connect(hosts, "watching")
	quiet := connect(way.hosts, "silent", options{timeout: brief})
	first := quiet.SessionID()
	say("session", quiet.sessionID())
	quiet.create("/plain", "", 0)
	quiet.create("/passing-0", "0", zk.FlagEphemeral)
	quiet.create("/passing-1", "1", zk.FlagEphemeral)
	quiet.create("/passing-q-", "2", zk.FlagEphemeralSequential)
	watchExists(quiet, "/absent")
	watchData(quiet, "/plain")
	watchExists(watching, "/passing-1")
	gone, _ := watchExists(watching, "/passing-0")
	begun := time.Now()
	quiet.exists("/passing-0")
	way.become(silent)
	<-gone
	say("not before its time", time.Since(begun) >= brief)
	tellSorted("seen", watching.takeEvents())
	watching.children("/")
	way.forward()
	quiet.awaitStates(zk.StateDisconnected, zk.StateExpired, zk.StateDisconnected, zk.StateHasSession)
	say("another session", quiet.SessionID() != first, quiet.sessionID())
	tellSorted("its watches end", quiet.takeEvents())
	quiet.get("/passing-0")
	quiet.create("/passing-0", "again", zk.FlagEphemeral)
	quiet.exists("/passing-0")
	byACut(way, watching, quiet)
	quiet.Close()
	watching.Close()
}

// The same when the connection is cut: a session lives on until its time is over.
func byACut(way *relay, watching, quiet *client) {
	gone, _ := watchExists(watching, "/passing-0")
	way.close()
	quiet.awaitStates(zk.StateDisconnected)
	watching.exists("/passing-0")
	<-gone
	watching.exists("/passing-0")
	way.forward()
	quiet.awaitStates(zk.StateExpired, zk.StateDisconnected, zk.StateHasSession)
	quiet.children("/")
}

// The library cannot take over a session by its id. But it can lose its connection without the server's knowing, and come
// back on another one: the session moves, and the server ends the first connection.
func sessionMove(hosts string) {
	way := newRelay(hosts)
	watching := connect(hosts, "watching")
	handshake := &handshakes{}
	moving := connect(way.hosts, "moving", options{timeout: 20 * time.Second, dialer: handshake.dial})
	moving.create("/moving", "", zk.FlagEphemeral)
	watchExists(watching, "/moving")
	first := moving.SessionID()
	for round := 1; round <= 3; round++ {
		way.cutClients()
		moving.awaitStates(zk.StateDisconnected, zk.StateHasSession)
		way.awaitCutByServer(round)
		say("same session", moving.SessionID() == first, moving.sessionID())
		moving.exists("/moving")
		watching.tellEvents("seen")
	}
	moving.set("/moving", "after the moves", -1)
	wrongIdentities(way, moving, handshake, watching)
	moving.Close()
	watching.children("/")
	watching.tellEvents("seen at the end")
	watching.Close()
}

// A wrong password and ids that never were: the client hears that its session has expired, and begins anew.
func wrongIdentities(way *relay, moving *client, handshake *handshakes, watching *client) {
	tried("wrong password", way, moving, handshake, func(_, password []byte) { password[3] ^= 1 }, watching)
	tried("no password", way, moving, handshake, func(_, password []byte) { copy(password, make([]byte, 16)) }, watching)
	tried("unknown id", way, moving, handshake, func(session, _ []byte) { session[7] ^= 0x55 }, watching)
	tried("negative id", way, moving, handshake, func(session, _ []byte) { session[0] |= 0x80 }, watching)
}

func tried(name string, way *relay, moving *client, handshake *handshakes, tamper func(session, password []byte), watching *client) {
	before := moving.SessionID()
	handshake.tamperWith(tamper)
	way.close()
	moving.awaitStates(zk.StateDisconnected)
	way.forward()
	moving.awaitStates(zk.StateExpired, zk.StateDisconnected, zk.StateHasSession)
	handshake.tamperWith(nil)
	say(name, moving.SessionID() == before, moving.sessionID())
	moving.exists("/moving")
	moving.create("/of-"+strings.ReplaceAll(name, " ", "-"), "", zk.FlagEphemeral)
	watching.children("/")
}

// handshakes dials, and lets handshakes that name a session be tampered with on their way:
//
//	length 4 | version 4 | last zxid 8 | timeout 4 | session id 8 | password length 4 | password 16
type handshakes struct {
	lock   sync.Mutex
	tamper func(session, password []byte)
}

func (h *handshakes) tamperWith(tamper func(session, password []byte)) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.tamper = tamper
}

func (h *handshakes) dial(network, address string, timeout time.Duration) (net.Conn, error) {
	conn, err := net.DialTimeout(network, address, timeout)
	if err != nil {
		return nil, err
	}
	return &handshakeConn{Conn: conn, of: h}, nil
}

type handshakeConn struct {
	net.Conn
	of      *handshakes
	hasSent bool
}

func (c *handshakeConn) Write(data []byte) (int, error) {
	if c.hasSent {
		return c.Conn.Write(data)
	}
	c.hasSent = true
	c.of.lock.Lock()
	tamper := c.of.tamper
	c.of.lock.Unlock()
	if tamper == nil || binary.BigEndian.Uint64(data[20:28]) == 0 {
		return c.Conn.Write(data)
	}
	changed := append([]byte{}, data...)
	tamper(changed[20:28], changed[32:48])
	return c.Conn.Write(changed)
}

func restart(hosts string) {
	liveThrough(hosts, "restart")
	liveThrough(hosts, "stop", "start")
}

// One client comes back at once, one is kept away until a change has been made.
func liveThrough(hosts string, wishes ...string) {
	way, directWay := newRelay(hosts), newRelay(hosts)
	cutOff, direct := connect(way.hosts, "cut off"), connect(directWay.hosts, "direct")
	sessions := []int64{cutOff.SessionID(), direct.SessionID()}
	root := "/" + strings.Join(wishes, "-")
	cutOff.create(root, "", 0)
	cutOff.create(root+"/ephemeral", "before", zk.FlagEphemeral)
	direct.create(root+"/direct", "before", zk.FlagEphemeral)
	direct.create(root+"/s-", "", zk.FlagSequence)
	for _, name := range []string{"changed", "deleted", "untouched", "parent"} {
		cutOff.create(root+"/"+name, "1", 0)
		watchData(cutOff, root+"/"+name)
	}
	watchExists(cutOff, root+"/created")
	watchExists(cutOff, root+"/never")
	watchExists(cutOff, root+"/deleted")
	watchChildren(cutOff, root+"/parent")
	watchChildren(cutOff, root+"/untouched")
	watchData(direct, root+"/changed")
	cutOff.takeEvents()
	way.close()
	cutOff.awaitStates(zk.StateDisconnected)
	directWay.become(refusing)
	for _, wish := range wishes {
		ask(wish)
	}
	directWay.forward()
	direct.awaitStates(zk.StateDisconnected, zk.StateHasSession)
	direct.children(root)
	direct.get(root + "/direct")
	direct.set(root+"/changed", "2", -1)
	direct.tellEvents("its own watch has survived")
	direct.delete(root+"/deleted", -1)
	direct.create(root+"/created", "", 0)
	direct.create(root+"/parent/child", "", 0)
	direct.create(root+"/s-", "", zk.FlagSequence)
	way.forward()
	cutOff.awaitStates(zk.StateHasSession)
	say("same sessions", cutOff.SessionID() == sessions[0], direct.SessionID() == sessions[1])
	eventually("the watches fire", func() bool {
		cutOff.lock.Lock()
		defer cutOff.lock.Unlock()
		return len(cutOff.events) >= 4
	})
	tellSorted("what happened meanwhile", cutOff.takeEvents())
	direct.set(root+"/untouched", "3", -1)
	direct.create(root+"/never", "", 0)
	direct.create(root+"/untouched/child", "", 0)
	direct.set(root+"/changed", "4", -1)
	cutOff.tellEvents("the others are set still")
	cutOff.exists(root + "/ephemeral")
	cutOff.Close()
	direct.children(root)
	direct.Close()
}

// Killed in the middle of a stream of writes; what was acknowledged is there, and so is the session.
func crash(hosts string) {
	way := newRelay(hosts)
	writer := connect(way.hosts, "writer")
	session := writer.SessionID()
	writer.create("/stream", "", 0)
	writer.create("/ephemeral", "", zk.FlagEphemeral)
	var lock sync.Mutex
	var group sync.WaitGroup
	acknowledged, losses := map[string]string{}, 0
	for worker := 0; worker < 16; worker++ {
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			for number := 0; ; number++ {
				path, data := fmt.Sprintf("/stream/w%02d-%05d", worker, number), fmt.Sprint(worker, number)
				_, err := writer.Conn.Create(path, []byte(data), 0, open)
				lock.Lock()
				if err != nil {
					losses++
					lock.Unlock()
					return
				}
				acknowledged[path] = data
				lock.Unlock()
			}
		}(worker)
	}
	eventually("800 acknowledged", func() bool { lock.Lock(); defer lock.Unlock(); return len(acknowledged) >= 800 })
	way.become(refusing)
	ask("crash")
	way.forward()
	group.Wait()
	writer.awaitStates(zk.StateDisconnected, zk.StateHasSession)
	say("same session", writer.SessionID() == session, "workers stopped", losses)
	lost := []string{}
	for path, data := range acknowledged {
		found, stat, err := writer.Conn.Get(path)
		if err != nil || string(found) != data || stat.Version != 0 {
			lost = append(lost, path)
		}
	}
	say("lost", lost)
	names, stat, err := writer.Conn.Children("/stream")
	count := len(names)
	say("counts", err, count >= len(acknowledged), count <= len(acknowledged)+16)
	say("stat", int(stat.Cversion) == count, int(stat.NumChildren) == count)
	writer.get("/stream/w03-00000")
	writer.exists("/ephemeral")
	writer.create("/afterwards", "", 0)
	writer.Close()
}
