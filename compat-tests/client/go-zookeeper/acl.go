package main

// The scenario acl: who may do what, and whom the server believes it is talking to.

import (
	"fmt"

	"github.com/go-zookeeper/zk"
)

func acl(hosts string) {
	owner, stranger := connect(hosts, "owner"), connect(hosts, "stranger")
	owner.addAuth("digest", "owner:secret")
	eachPermissionMissing(owner, stranger)
	kindsOfLists(owner, stranger)
	invalidLists(owner)
	versionsOfLists(owner, stranger)
	identities(hosts, owner, stranger)
	owner.Close()
	stranger.Close()
	aWrongScheme(hosts)
}

func eachPermissionMissing(owner, stranger *client) {
	everything := zk.DigestACL(zk.PermAll, "owner", "secret")
	for missing := int32(1); missing <= 32; missing <<= 1 {
		path := fmt.Sprintf("/without-%d", missing)
		owner.create(path, "data", 0, append(zk.WorldACL(zk.PermAll&^missing), everything...)...)
		owner.create(path+"/child", "", 0)
		stranger.get(path)
		stranger.exists(path)
		stranger.children(path)
		stranger.getACL(path)
		stranger.sync(path)
		stranger.set(path, "changed", -1)
		stranger.set(path, "changed", 99)
		stranger.create(path+"/new", "", 0)
		stranger.create(path+"/s-", "", zk.FlagSequence)
		stranger.delete(path+"/child", -1)
		stranger.commit(checking(path, -1), creating(path+"/in-multi", 0))
		stranger.setACL(path, append(zk.WorldACL(zk.PermRead), everything...), -1)
		owner.getACL(path)
		stranger.getACL(path)
		owner.children(path)
	}
	owner.create("/nobody", "", 0, everything...)
	stranger.get("/nobody")
	stranger.exists("/nobody")
	stranger.getACL("/nobody")
	stranger.children("/nobody")
	stranger.delete("/nobody", -1)
}

func kindsOfLists(owner, stranger *client) {
	lists := [][]zk.ACL{
		open,
		zk.AuthACL(zk.PermAll),
		zk.WorldACL(zk.PermRead),
		append(zk.DigestACL(zk.PermRead|zk.PermWrite, "owner", "secret"), zk.ACL{Perms: zk.PermRead, Scheme: "ip", ID: "127.0.0.1"}),
		{{Perms: 31, Scheme: "ip", ID: "127.0.0.1"}},
		{{Perms: 31, Scheme: "ip", ID: "127.0.0.0/8"}},
		{{Perms: 31, Scheme: "ip", ID: "127.0.0.1/31"}},
		{{Perms: 31, Scheme: "ip", ID: "10.0.0.1"}},
		append(zk.WorldACL(zk.PermAll), open...),
		zk.WorldACL(0),
		zk.WorldACL(255),
		zk.WorldACL(-1),
	}
	for number, acl := range lists {
		path := fmt.Sprintf("/list-%d", number)
		owner.create(path, "x", 0, acl...)
		for _, one := range []*client{owner, stranger} {
			one.getACL(path)
			one.get(path)
			one.set(path, "y", -1)
		}
	}
}

func invalidLists(owner *client) {
	owner.create("/valid", "", 0)
	for _, entry := range []zk.ACL{
		{Perms: 31, Scheme: "nope", ID: "x"},
		{Perms: 31, Scheme: "", ID: ""},
		{Perms: 31, Scheme: "world", ID: "somebody"},
		{Perms: 31, Scheme: "digest", ID: "no colon"},
		{Perms: 31, Scheme: "digest", ID: "two:colons:here"},
		{Perms: 31, Scheme: "ip", ID: "not an address"},
		{Perms: 31, Scheme: "ip", ID: "127.0.0.1/33"},
		{Perms: 31, Scheme: "ip", ID: "::1"},
		{Perms: 31, Scheme: "x509", ID: "CN=somebody"},
		{Perms: 31, Scheme: "sasl", ID: "somebody"},
	} {
		owner.create("/invalid", entry.Scheme, 0, entry)
		owner.setACL("/valid", []zk.ACL{entry}, -1)
		owner.setACL("/valid", append(zk.WorldACL(zk.PermAll), entry), -1)
	}
	owner.setACL("/valid", []zk.ACL{}, -1)
	owner.setACL("/valid", nil, -1)
	owner.getACL("/valid")
	owner.exists("/invalid")
}

func versionsOfLists(owner, stranger *client) {
	owner.create("/versioned", "", 0)
	readable := append(zk.WorldACL(zk.PermAll), zk.ACL{Perms: zk.PermRead, Scheme: "ip", ID: "127.0.0.1"})
	owner.setACL("/versioned", readable, 0)
	owner.setACL("/versioned", open, 0)
	owner.setACL("/versioned", open, 1)
	owner.setACL("/versioned", open, -1)
	owner.setACL("/absent", open, -1)
	for _, path := range []string{"/versioned", "/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config", "/absent"} {
		stranger.getACL(path)
	}
	stranger.get("/zookeeper/config")
	stranger.set("/zookeeper/config", "", -1)
}

// The library sends identities as ordinary requests, with a number of their own, where others use -4.
func identities(hosts string, owner, stranger *client) {
	owner.create("/of-owner", "", 0, zk.AuthACL(zk.PermAll)...)
	stranger.create("/of-nobody", "", 0, zk.AuthACL(zk.PermAll)...)
	stranger.get("/of-owner")
	for _, identity := range []string{"other:password", "owner:wrong", "owner:secret", ":", "colons:in:it", "keiner"} {
		stranger.addAuth("digest", identity)
		stranger.get("/of-owner")
	}
	stranger.create("/of-many", "", 0, zk.AuthACL(zk.PermAll)...)
	stranger.getACL("/of-many")
	owner.getACL("/of-many")

	way := newRelay(hosts)
	late := connect(way.hosts, "late")
	late.addAuth("digest", "owner:secret")
	late.get("/of-owner")
	way.close()
	way.forward()
	late.awaitStates(zk.StateDisconnected, zk.StateHasSession)
	late.get("/of-owner")
	late.Close()

	root := connect(hosts, "super")
	root.addAuth("digest", "super:test")
	for _, path := range []string{"/nobody", "/of-owner", "/of-many", "/list-7", "/list-9"} {
		root.get(path)
		root.getACL(path)
		root.setACL(path, open, -1)
		root.delete(path, -1)
	}
	root.get("/zookeeper/config")
	root.getACL("/zookeeper/config")
	root.Close()
}

// A scheme that the server does not know ends the connection; the library comes back.
func aWrongScheme(hosts string) {
	lost := connect(hosts, "lost")
	lost.create("/lost", "", zk.FlagEphemeral)
	lost.addAuth("nope", "anything")
	lost.awaitStates(zk.StateDisconnected, zk.StateHasSession)
	lost.exists("/lost")
	lost.Close()
}
