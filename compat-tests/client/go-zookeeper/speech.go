package main

// How the scenarios speak: one JSON value a line, in which every answer, Stat, error and event is told in full.
//
// Data is shown as text; what is long is shown by its size and its hash. Lists of names are sorted, since ZooKeeper gives
// them in the order of a hash table. Errors are shown by the text that the library gives them. Nothing is masked here.

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

const (
	patience     = 60 * time.Second
	longestShown = 120
)

var (
	mouth sync.Mutex
	input = bufio.NewReader(os.Stdin)
)

// say prints one line.
func say(values ...any) {
	shown := make([]any, len(values))
	for index, value := range values {
		shown[index] = plain(value)
	}
	line, err := json.Marshal(shown)
	if err != nil {
		panic(err)
	}
	mouth.Lock()
	defer mouth.Unlock()
	fmt.Println(string(line))
}

// ask has the server stopped, killed or started; it returns when that is done.
func ask(wish string) {
	fmt.Printf("{\"ask\": %q}\n", wish)
	if _, err := input.ReadString('\n'); err != nil {
		panic(err)
	}
}

type object map[string]any

// list is any list that is told in its own order.
type list []any

// plain turns any result of the library into what JSON can hold.
func plain(value any) any {
	switch value := value.(type) {
	case error:
		return object{"error": value.Error()}
	case *zk.Stat:
		if value == nil {
			return nil
		}
		return plainStat(value)
	case []byte:
		if value == nil {
			return nil
		}
		return shortened(string(value))
	case string:
		return shortened(value)
	case []string:
		return plainNames(value)
	case []zk.ACL:
		return plainACL(value)
	case zk.Event:
		return plainEvent(value)
	case []zk.Event:
		events := list{}
		for _, event := range value {
			events = append(events, plainEvent(event))
		}
		return events
	case list:
		shown := list{}
		for _, one := range value {
			shown = append(shown, plain(one))
		}
		return shown
	}
	return value
}

func plainStat(stat *zk.Stat) any {
	return object{
		"czxid": stat.Czxid, "mzxid": stat.Mzxid, "ctime": stat.Ctime, "mtime": stat.Mtime,
		"version": stat.Version, "cversion": stat.Cversion, "aversion": stat.Aversion,
		"ephemeralOwner": strconv.FormatInt(stat.EphemeralOwner, 10),
		"dataLength":     stat.DataLength, "numChildren": stat.NumChildren, "pzxid": stat.Pzxid,
	}
}

func shortened(text string) any {
	if len(text) <= longestShown {
		return text
	}
	return object{"begins": text[:20], "bytes": len(text), "sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:16]}
}

func plainNames(names []string) any {
	sorted := append([]string{}, names...)
	sort.Strings(sorted)
	if len(sorted) <= 60 {
		shown := list{}
		for _, name := range sorted {
			shown = append(shown, shortened(name))
		}
		return shown
	}
	text, _ := json.Marshal(sorted)
	return object{"items": len(sorted), "first": sorted[0], "last": sorted[len(sorted)-1], "all": shortened(string(text))}
}

func plainACL(acl []zk.ACL) any {
	shown := []string{}
	for _, entry := range acl {
		shown = append(shown, fmt.Sprintf("%d %s %s", entry.Perms, entry.Scheme, entry.ID))
	}
	sort.Strings(shown)
	return shown
}

func plainEvent(event zk.Event) any {
	shown := object{"event": event.Type.String(), "path": event.Path, "state": event.State.String()}
	if event.Err != nil {
		shown["error"] = event.Err.Error()
	}
	return shown
}

// eventually waits until the condition holds.
func eventually(what string, condition func() bool) {
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			panic("never: " + what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
