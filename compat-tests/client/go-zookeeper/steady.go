package main

// A steady load on an ensemble whose servers come and go, as ../README.md tells it: one request after the other until a
// line comes on the input.

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"
)

const pause = 4 * time.Millisecond

type steady struct {
	*zk.Conn
	home    string
	version int32
	written int
	// Whether the version is the znode's: after a lost call, another one may have become true.
	isSure bool
}

func steadyLoad(hosts string) {
	conn, events, err := zk.Connect(strings.Split(hosts, ","), 10*time.Second, zk.WithLogInfo(false), zk.WithLogger(silence{}))
	if err != nil {
		panic(err)
	}
	var hasExpired atomic.Value
	go func() {
		for event := range events {
			if event.State == zk.StateExpired {
				hasExpired.Store(true)
				say("expired")
			}
		}
	}()
	ended := make(chan struct{})
	go func() {
		_, _ = input.ReadString('\n')
		close(ended)
	}()
	load := &steady{Conn: conn, home: "/load/go", isSure: true}
	load.prepare()
	say("session", fmt.Sprintf("0x%x", uint64(conn.SessionID())))
	for number := 1; !isClosed(ended) && hasExpired.Load() == nil; number++ {
		if err := load.step(number); err != nil {
			load.isSure = false
			say(howItFailed(err), number, err)
		}
		time.Sleep(pause)
	}
	isThere, stat, err := conn.Exists(load.home + "/live")
	say("live", err == nil && isThere && stat.EphemeralOwner == conn.SessionID())
	say("the end")
	conn.Close()
}

// howItFailed tells a call whose outcome nobody knows from one that was refused, which none may be.
func howItFailed(err error) string {
	for _, loss := range []error{zk.ErrConnectionClosed, zk.ErrNoServer, zk.ErrSessionExpired} {
		if errors.Is(err, loss) {
			return "lost"
		}
	}
	return "broken"
}

func isClosed(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}

func (load *steady) prepare() {
	load.must("/load", 0)
	load.must(load.home, 0)
	load.must(load.home+"/live", zk.FlagEphemeral)
	load.must(load.home+"/last", 0)
}

// must creates a znode while nothing is disturbed yet.
func (load *steady) must(path string, flags int32) {
	_, err := load.Create(path, []byte("0"), flags, zk.WorldACL(zk.PermAll))
	if err != nil && !(path == "/load" && errors.Is(err, zk.ErrNodeExists)) {
		panic(err)
	}
}

func (load *steady) step(number int) error {
	if !load.isSure {
		if err := load.look(true); err != nil {
			return err
		}
	}
	switch number % 4 {
	case 0:
		path, err := load.Create(load.home+"/n-", data(number), zk.FlagSequence, zk.WorldACL(zk.PermAll))
		if err == nil {
			say("created", path, number)
		}
		return err
	case 1:
		return load.set(number)
	case 2:
		return load.look(false)
	default:
		return load.commit(number)
	}
}

func (load *steady) set(number int) error {
	stat, err := load.Set(load.home, data(number), load.version)
	if errors.Is(err, zk.ErrBadVersion) {
		if load.isSure {
			say("broken", fmt.Sprint("another version than ", load.version))
		}
		load.isSure = false
		return nil
	}
	if err != nil {
		return err
	}
	load.version, load.written, load.isSure = stat.Version, number, true
	say("set", stat.Version, number)
	return nil
}

func (load *steady) commit(number int) error {
	_, err := load.Multi(
		&zk.CreateRequest{Path: fmt.Sprint(load.home, "/t-", number), Data: data(number), Acl: zk.WorldACL(zk.PermAll)},
		&zk.SetDataRequest{Path: load.home + "/last", Data: data(number), Version: -1},
		&zk.CheckVersionRequest{Path: load.home, Version: -1},
	)
	if err == nil {
		say("committed", number)
	}
	return err
}

// look reads what was written last: nothing older may be seen.
func (load *steady) look(believes bool) error {
	content, stat, err := load.Get(load.home)
	if err != nil {
		return err
	}
	number, _ := strconv.Atoi(string(content))
	if stat.Version < load.version || number < load.written {
		say("broken", fmt.Sprint("read version ", stat.Version, " after ", load.version))
	}
	if believes {
		load.version, load.written = stat.Version, number
	}
	return nil
}

func data(number int) []byte {
	return []byte(strconv.Itoa(number))
}
