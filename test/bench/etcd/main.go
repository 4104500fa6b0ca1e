// The load generator for etcd: what ../load.ts puts to ZooKeeper, by etcd's own client, as far as etcd has the like.
//
//	getData  Range of one key             create   Put of a fresh key
//	exists   Range of one key, count only  delete   DeleteRange of one key
//	setData  Put of one key               multi    Txn of ten Puts
//
// Run as `etcd PLAN`, with a plan as JSON; prints a line of JSON with the metrics of ../README.md. The keys are put there
// before anything is measured. Any error ends it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math/rand"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

type share struct {
	Operation string `json:"operation"`
	Percent   int    `json:"percent"`
}

type plan struct {
	Endpoints   []string `json:"endpoints"`
	ServerPids  []int    `json:"serverPids"`
	Shares      []share  `json:"shares"`
	Keys        int      `json:"keys"`
	DataBytes   int      `json:"dataBytes"`
	Connections int      `json:"connections"`
	Depth       int      `json:"depth"`
	WarmupMs    int      `json:"warmupMs"`
	MeasureMs   int      `json:"measureMs"`
	// Deletes end after so many; 0 when the time decides.
	Count int `json:"count"`
}

const (
	multiParts = 10
	fillBatch  = 100
	ticksASec  = 100
)

type run struct {
	plan      plan
	data      string
	isRunning atomic.Bool
	isCounted atomic.Bool
	next      atomic.Int64
}

func main() {
	log.SetFlags(0)
	var p plan
	if err := json.Unmarshal([]byte(os.Args[1]), &p); err != nil {
		log.Fatal(err)
	}
	r := &run{plan: p, data: strings.Repeat("x", p.DataBytes)}
	clients := make([]*clientv3.Client, p.Connections)
	for i := range clients {
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{p.Endpoints[i%len(p.Endpoints)]}, DialTimeout: 10 * time.Second})
		check(err)
		clients[i] = client
	}
	r.fill(clients[0])
	settle(clients[0])
	values := r.measure(clients)
	out, err := json.Marshal(values)
	check(err)
	fmt.Println(string(out))
}

// Puts the keys that reads and writes go to, or those that are to be deleted, unless they are there.
func (r *run) fill(client *clientv3.Client) {
	count, name := r.plan.Keys, key
	if r.plan.Shares[0].Operation == "delete" {
		count, name = r.plan.Count, freshKey
	}
	last, err := client.Get(context.Background(), name(count-1))
	check(err)
	if last.Count > 0 {
		return
	}
	puts := make([]clientv3.Op, 0, fillBatch)
	for i := 0; i < count; i++ {
		puts = append(puts, clientv3.OpPut(name(i), r.data))
		if len(puts) == fillBatch || i == count-1 {
			_, err := client.Txn(context.Background()).Then(puts...).Commit()
			check(err)
			puts = puts[:0]
		}
	}
}

// etcd 3.4 copies its buffer of writes for each read, at the size that it had at its largest, until something is committed that
// is no key. That is what bulk loading leaves, and not what reads cost.
func settle(client *clientv3.Client) {
	const commitInterval = 100 * time.Millisecond
	time.Sleep(2 * commitInterval)
	_, err := client.Grant(context.Background(), 60)
	check(err)
	time.Sleep(2 * commitInterval)
}

func (r *run) measure(clients []*clientv3.Client) map[string]float64 {
	p := r.plan
	var workers sync.WaitGroup
	latencies := make([][]time.Duration, p.Connections*p.Depth)
	r.isRunning.Store(true)
	start := func() {
		for i := range latencies {
			workers.Add(1)
			go func(i int) {
				defer workers.Done()
				latencies[i] = r.work(clients[i%len(clients)], rand.New(rand.NewSource(int64(i))))
			}(i)
		}
	}
	if p.Count == 0 {
		start()
		time.Sleep(time.Duration(p.WarmupMs) * time.Millisecond)
	}
	r.isCounted.Store(true)
	from, serverCpu, ownCpu := time.Now(), cpuOf(p.ServerPids), ownCpuSeconds()
	if p.Count == 0 {
		time.Sleep(time.Duration(p.MeasureMs) * time.Millisecond)
		r.isCounted.Store(false)
	} else {
		start()
		workers.Wait()
	}
	seconds := time.Since(from).Seconds()
	serverCpu, ownCpu = cpuOf(p.ServerPids)-serverCpu, ownCpuSeconds()-ownCpu
	r.isRunning.Store(false)
	workers.Wait()
	return valuesOf(latencies, seconds, serverCpu, ownCpu)
}

// One request after the other, while the run lasts.
func (r *run) work(client *clientv3.Client, dice *rand.Rand) []time.Duration {
	var latencies []time.Duration
	for r.isRunning.Load() {
		isCounted := r.isCounted.Load()
		from := time.Now()
		if !r.ask(client, dice) {
			break
		}
		if isCounted {
			latencies = append(latencies, time.Since(from))
		}
	}
	return latencies
}

// Returns whether there was something left to do.
func (r *run) ask(client *clientv3.Client, dice *rand.Rand) bool {
	ctx := context.Background()
	path := key(dice.Intn(r.plan.Keys))
	var err error
	switch r.operation(dice) {
	case "getData":
		_, err = client.Get(ctx, path)
	case "exists":
		_, err = client.Get(ctx, path, clientv3.WithCountOnly())
	case "setData":
		_, err = client.Put(ctx, path, r.data)
	case "create":
		_, err = client.Put(ctx, freshKey(int(r.next.Add(1))), r.data)
	case "delete":
		index := int(r.next.Add(1)) - 1
		if index >= r.plan.Count {
			return false
		}
		_, err = client.Delete(ctx, freshKey(index))
	case "multi":
		first := dice.Intn(r.plan.Keys - multiParts)
		puts := make([]clientv3.Op, multiParts)
		for i := range puts {
			puts[i] = clientv3.OpPut(key(first+i), r.data)
		}
		_, err = client.Txn(ctx).Then(puts...).Commit()
	}
	check(err)
	return true
}

func (r *run) operation(dice *rand.Rand) string {
	at := dice.Intn(100)
	for _, share := range r.plan.Shares {
		if at -= share.Percent; at < 0 {
			return share.Operation
		}
	}
	panic("the percents do not sum up to 100")
}

func valuesOf(latencies [][]time.Duration, seconds, serverCpu, ownCpu float64) map[string]float64 {
	var all []time.Duration
	for _, own := range latencies {
		all = append(all, own...)
	}
	if len(all) == 0 {
		log.Fatal("nothing was answered")
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	ms := func(quantile float64) float64 {
		return all[int(quantile*float64(len(all)-1))].Seconds() * 1000
	}
	return map[string]float64{
		"opsPerSecond":   float64(len(all)) / seconds,
		"cpuMicrosPerOp": serverCpu * 1e6 / float64(len(all)),
		"p50Ms":          ms(0.5),
		"p90Ms":          ms(0.9),
		"p99Ms":          ms(0.99),
		"p999Ms":         ms(0.999),
		"maxMs":          ms(1),
		"loadCpuShare":   ownCpu / seconds,
	}
}

func key(i int) string {
	return fmt.Sprintf("/bench/%03d/znode-%06d", i/1000, i)
}

func freshKey(i int) string {
	return fmt.Sprintf("/fresh/%03d/znode-%06d", i/1000, i)
}

// User and system time of these processes, in seconds.
func cpuOf(pids []int) float64 {
	ticks := 0
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		check(err)
		// Behind the name, which is in parentheses and may hold anything.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))
		for _, field := range fields[11:13] {
			count, err := strconv.Atoi(field)
			check(err)
			ticks += count
		}
	}
	return float64(ticks) / ticksASec
}

func ownCpuSeconds() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Sec+usage.Stime.Sec) + float64(usage.Utime.Usec+usage.Stime.Usec)/1e6
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
