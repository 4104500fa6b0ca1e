// Says whether histories of versioned registers are linearizable.
//
//	judge SECONDS < history.json
//
// The history is a list of operations, of any number of registers:
//
//	{"process": 1, "f": "cas", "value": ["/register/3", 4, 17], "type": "ok", "result": [5], "invokedMs": ..., "completedMs": ...}
//
//	read   [key]                    -> [value, version]
//	write  [key, value]             -> [version]
//	cas    [key, version, value]    -> [version], or "fail" when the register had another version
//
// An operation of unknown result may take effect at any time after its call, or never: its return lies behind everything else. A
// read of unknown result says nothing, and is left out. A register begins with value 0 and version 0.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/anishathalye/porcupine"
)

type operation struct {
	Process     int       `json:"process"`
	F           string    `json:"f"`
	Value       []any     `json:"value"`
	Type        string    `json:"type"`
	Result      []float64 `json:"result"`
	InvokedMs   float64   `json:"invokedMs"`
	CompletedMs float64   `json:"completedMs"`
}

type input struct {
	f        string
	expected int
	value    int
}

type output struct {
	kind    string
	value   int
	version int
}

type state struct {
	value   int
	version int
}

var register = porcupine.Model{
	Init: func() any { return state{} },
	Step: func(before, in, out any) (bool, any) {
		return step(before.(state), in.(input), out.(output))
	},
	Equal: func(a, b any) bool { return a.(state) == b.(state) },
}

// step says whether the register may answer like that, and what it is then. An operation of unknown result may also
// have been refused.
func step(now state, in input, out output) (bool, any) {
	next := state{in.value, now.version + 1}
	isFit := in.f == "write" || now.version == in.expected
	switch {
	case in.f == "read":
		return out.value == now.value && out.version == now.version, now
	case out.kind == "ok":
		return isFit && out.version == next.version, next
	case out.kind == "fail":
		return in.f == "cas" && !isFit, now
	case isFit:
		return true, next
	default:
		return true, now
	}
}

func main() {
	seconds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		stop(err)
	}
	var all []operation
	if err := json.NewDecoder(os.Stdin).Decode(&all); err != nil {
		stop(err)
	}
	isWell := true
	for key, history := range byKey(all) {
		result := porcupine.CheckOperationsTimeout(register, history, time.Duration(seconds)*time.Second)
		if result == porcupine.Ok {
			continue
		}
		isWell = false
		what := "is not linearizable"
		if result == porcupine.Unknown {
			what = "was not judged in time"
		}
		fmt.Printf("%s %s: %d operations\n", key, what, len(history))
	}
	if !isWell {
		os.Exit(1)
	}
}

func byKey(all []operation) map[string][]porcupine.Operation {
	histories := map[string][]porcupine.Operation{}
	for _, one := range all {
		isUnknown := one.Type == "unknown"
		if isUnknown && one.F == "read" {
			continue
		}
		key := one.Value[0].(string)
		returned := nanoseconds(one.CompletedMs)
		if isUnknown {
			returned = math.MaxInt64
		}
		histories[key] = append(histories[key], porcupine.Operation{
			ClientId: one.Process,
			Input:    inputOf(one),
			Call:     nanoseconds(one.InvokedMs),
			Output:   outputOf(one),
			Return:   returned,
		})
	}
	return histories
}

func inputOf(one operation) input {
	number := func(i int) int { return int(one.Value[i].(float64)) }
	switch one.F {
	case "write":
		return input{f: "write", value: number(1)}
	case "cas":
		return input{f: "cas", expected: number(1), value: number(2)}
	default:
		return input{f: "read"}
	}
}

func outputOf(one operation) output {
	out := output{kind: one.Type}
	if len(one.Result) > 0 {
		out.version = int(one.Result[len(one.Result)-1])
		out.value = int(one.Result[0])
	}
	return out
}

func nanoseconds(ms float64) int64 {
	return int64(ms * 1e6)
}

func stop(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}
