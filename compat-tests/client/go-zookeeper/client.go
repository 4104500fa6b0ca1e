package main

// A client whose every call is told, with its arguments and what came of it:
//
//	["a","create",["/crud","data",0],"/crud"]
//	["a","get",["/crud"],["data",{"czxid":2, ... }]]
//	["a","delete",["/absent",-1],{"error":"zk: node does not exist"}]
//
// What the connection sees, watch events and states, is kept in the order in which it came: the library calls back
// before it hands out the next reply.

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

type client struct {
	*zk.Conn
	name string

	lock   sync.Mutex
	events []zk.Event
	states []zk.State
	state  zk.State
}

type options struct {
	timeout time.Duration
	dialer  zk.Dialer
}

// connect begins a session and waits for it; a session outlives a restart of the server unless told otherwise.
func connect(hosts, name string, more ...options) *client {
	settings := options{timeout: 20 * time.Second}
	if len(more) > 0 {
		settings = more[0]
	}
	if settings.dialer == nil {
		settings.dialer = net.DialTimeout
	}
	c := &client{name: name, state: zk.StateUnknown}
	var err error
	c.Conn, _, err = zk.Connect(
		[]string{hosts},
		settings.timeout,
		zk.WithLogInfo(false),
		zk.WithLogger(silence{}),
		zk.WithHostProvider(&oneHost{}),
		zk.WithEventCallback(c.note),
		zk.WithDialer(settings.dialer),
	)
	if err != nil {
		panic(err)
	}
	c.awaitStates(zk.StateHasSession)
	return c
}

type silence struct{}

func (silence) Printf(string, ...any) {}

// oneHost names the one server again and again; the library's own provider waits a second before each return.
type oneHost struct {
	host    string
	isFresh bool
}

func (one *oneHost) Init(servers []string) error {
	one.host, one.isFresh = servers[0], true
	return nil
}
func (one *oneHost) Len() int   { return 1 }
func (one *oneHost) Connected() { one.isFresh = true }
func (one *oneHost) Next() (string, bool) {
	if !one.isFresh {
		time.Sleep(20 * time.Millisecond)
	}
	one.isFresh = false
	return one.host, false
}

// note keeps an event, or a state that a user cares for: not the attempts to connect.
func (c *client) note(event zk.Event) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if event.Type != zk.EventSession {
		c.events = append(c.events, event)
		return
	}
	if event.State == zk.StateConnecting || event.State == zk.StateConnected {
		return
	}
	if c.state != event.State {
		c.states = append(c.states, event.State)
	}
	c.state = event.State
}

func (c *client) awaitStates(wanted ...zk.State) {
	isThere := func() bool {
		c.lock.Lock()
		defer c.lock.Unlock()
		return len(c.states) >= len(wanted) && c.states[len(c.states)-1] == wanted[len(wanted)-1]
	}
	eventually(fmt.Sprint(c.name, " is ", wanted), isThere)
	c.lock.Lock()
	defer c.lock.Unlock()
	names := list{}
	for _, state := range c.states {
		names = append(names, state.String())
	}
	say(c.name, "states", names)
	c.states = nil
}

// tellEvents says all events up to a read that begins now: none may come later for a change before it.
func (c *client) tellEvents(what string) {
	say(c.name, what, c.takeEvents())
}

func (c *client) takeEvents() []zk.Event {
	if _, _, err := c.Conn.Exists("/"); err != nil {
		panic(err)
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	events := c.events
	c.events = nil
	return events
}

func (c *client) sessionID() any {
	return object{"sessionId": strconv.FormatInt(c.SessionID(), 10)}
}

// told says a call and what came of it: the error, or the results.
func (c *client) told(method string, arguments list, err error, results ...any) {
	switch {
	case err != nil:
		say(c.name, method, arguments, err)
	case len(results) == 1:
		say(c.name, method, arguments, results[0])
	default:
		say(c.name, method, arguments, list(results))
	}
}

func (c *client) create(path, data string, flags int32, acl ...zk.ACL) string {
	if acl == nil {
		acl = open
	}
	created, err := c.Conn.Create(path, bytesOf(data), flags, acl)
	c.told("create", list{path, data, flags}, err, created)
	return created
}

func (c *client) get(path string) {
	data, stat, err := c.Conn.Get(path)
	c.told("get", list{path}, err, data, stat)
}

func (c *client) exists(path string) {
	found, stat, err := c.Conn.Exists(path)
	if err == nil && !found {
		c.told("exists", list{path}, nil, false)
		return
	}
	c.told("exists", list{path}, err, stat)
}

func (c *client) set(path, data string, version int32) {
	stat, err := c.Conn.Set(path, bytesOf(data), version)
	c.told("set", list{path, data, version}, err, stat)
}

func (c *client) children(path string) {
	names, stat, err := c.Conn.Children(path)
	c.told("children", list{path}, err, names, stat)
}

func (c *client) delete(path string, version int32) {
	c.told("delete", list{path, version}, c.Conn.Delete(path, version), true)
}

func (c *client) getACL(path string) {
	acl, stat, err := c.Conn.GetACL(path)
	c.told("getACL", list{path}, err, acl, stat)
}

func (c *client) setACL(path string, acl []zk.ACL, version int32) {
	stat, err := c.Conn.SetACL(path, acl, version)
	c.told("setACL", list{path, acl, version}, err, stat)
}

func (c *client) sync(path string) {
	synced, err := c.Conn.Sync(path)
	c.told("sync", list{path}, err, synced)
}

func (c *client) addAuth(scheme, auth string) {
	c.told("addAuth", list{scheme, auth}, c.Conn.AddAuth(scheme, []byte(auth)), true)
}

// commit runs a transaction and says its error and the result of each part.
func (c *client) commit(parts ...any) {
	described := list{}
	for _, part := range parts {
		described = append(described, describe(part))
	}
	results, err := c.Conn.Multi(parts...)
	shown := list{}
	for _, result := range results {
		shown = append(shown, plainResult(result))
	}
	say(c.name, "multi", described, list{err, shown})
}

func plainResult(result zk.MultiResponse) any {
	one := object{}
	if result.Error != nil {
		one["error"] = result.Error.Error()
	}
	if result.String != "" {
		one["path"] = result.String
	}
	if result.Stat != nil {
		one["stat"] = plainStat(result.Stat)
	}
	return one
}

func describe(part any) any {
	switch part := part.(type) {
	case *zk.CreateRequest:
		return list{"create", part.Path, part.Data, part.Flags}
	case *zk.SetDataRequest:
		return list{"set", part.Path, part.Data, part.Version}
	case *zk.DeleteRequest:
		return list{"delete", part.Path, part.Version}
	case *zk.CheckVersionRequest:
		return list{"check", part.Path, part.Version}
	}
	return fmt.Sprintf("%T", part)
}

const null = "(null)"

// bytesOf gives the bytes of a text, or null for the word for it.
func bytesOf(text string) []byte {
	if text == null {
		return nil
	}
	return []byte(text)
}

var open = zk.WorldACL(zk.PermAll)
