// The scenarios of ../README.md, played by github.com/go-zookeeper/zk; each prints what it sees, one JSON value a line.
//
//	usage: scenarios HOST:PORT SCENARIO
//
// A scenario that cannot go on panics, which ends the program with an exit code of 2 and the reason on stderr.
package main

import (
	"fmt"
	"os"
)

var scenarios = map[string]func(hosts string){
	"crud":               crud,
	"create-modes":       createModes,
	"multi":              multi,
	"acl":                acl,
	"watches":            watches,
	"watch-order":        watchOrder,
	"session-end":        sessionEnd,
	"session-expiry":     sessionExpiry,
	"session-move":       sessionMove,
	"restart":            restart,
	"crash":              crash,
	"ttl-and-containers": ttlAndContainers,
	"quotas":             quotas,
	"large-data":         largeData,
	"unicode":            unicode,
	"many-children":      manyChildren,
	"recipes":            recipes,
	"steady-load":        steadyLoad,
}

func main() {
	if len(os.Args) != 3 || scenarios[os.Args[2]] == nil {
		fmt.Fprintln(os.Stderr, "usage: scenarios HOST:PORT SCENARIO")
		os.Exit(2)
	}
	scenarios[os.Args[2]](os.Args[1])
}
