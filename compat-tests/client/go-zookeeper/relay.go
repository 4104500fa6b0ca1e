package main

// A port in front of the server through which a client can be made to fall silent, lose its connection or be kept away.
//
//	forwarding   bytes go both ways
//	silent       connections stay open and new ones are accepted, but no byte passes: as of a frozen client
//	closed       connections have been cut and new ones are cut at once: as of a pulled cable
//	refusing     the connections there are go on, new ones are cut at once

import (
	"net"
	"sync"
)

type mode int

const (
	forwarding mode = iota
	silent
	closed
	refusing
)

type relay struct {
	server string
	hosts  string

	lock        sync.Mutex
	mode        mode
	clients     []net.Conn
	servers     []net.Conn
	cutByServer int
}

func newRelay(server string) *relay {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	r := &relay{server: server, hosts: listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go r.connect(conn)
		}
	}()
	return r
}

// forward lets new connections through; those of a silent time are cut, so that their clients come again.
func (r *relay) forward() {
	if r.is(silent) {
		r.cutAll()
	}
	r.become(forwarding)
}

func (r *relay) close() {
	r.become(closed)
	r.cutAll()
}

// cutClients ends the connections on the client's side only: the server still believes in them.
func (r *relay) cutClients() {
	r.lock.Lock()
	defer r.lock.Unlock()
	for _, conn := range r.clients {
		conn.Close()
	}
	r.clients = nil
}

func (r *relay) become(next mode) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.mode = next
}

func (r *relay) is(one mode) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.mode == one
}

// awaitCutByServer waits until the server has ended as many connections.
func (r *relay) awaitCutByServer(count int) {
	eventually("the server ends a connection", func() bool {
		r.lock.Lock()
		defer r.lock.Unlock()
		return r.cutByServer >= count
	})
}

func (r *relay) connect(client net.Conn) {
	if r.is(closed) || r.is(refusing) {
		client.Close()
		return
	}
	r.keep(&r.clients, client)
	if r.is(silent) {
		return
	}
	server, err := net.Dial("tcp", r.server)
	if err != nil {
		client.Close()
		return
	}
	r.keep(&r.servers, server)
	go func() {
		r.pump(server, client)
		r.lock.Lock()
		r.cutByServer++
		r.lock.Unlock()
		if !r.is(silent) {
			client.Close()
		}
	}()
	r.pump(client, server)
}

func (r *relay) keep(where *[]net.Conn, conn net.Conn) {
	r.lock.Lock()
	defer r.lock.Unlock()
	*where = append(*where, conn)
}

func (r *relay) pump(source, target net.Conn) {
	buffer := make([]byte, 65536)
	for {
		count, err := source.Read(buffer)
		if err != nil {
			return
		}
		if !r.is(silent) {
			target.Write(buffer[:count])
		}
	}
}

func (r *relay) cutAll() {
	r.cutClients()
	r.lock.Lock()
	defer r.lock.Unlock()
	for _, conn := range r.servers {
		conn.Close()
	}
	r.servers = nil
}
