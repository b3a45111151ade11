// What the channel of events costs a server: decisions without events, with a receiver that only counts, and with no room
// for events. Prints one JSON object. Usage: sink SAMPLE
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	scopegate "github.com/scopegate/scopegate/bindings-go"
)

const (
	rounds   = 15
	spell    = 100 * time.Millisecond
	interval = 10 * time.Millisecond
)

type sample struct {
	Config        map[string]any `json:"config"`
	Authorization string         `json:"authorization"`
	Body          string         `json:"body"`
	Room          int            `json:"room"`
}

func main() {
	var found sample
	text, err := os.ReadFile(os.Args[1])
	must(err)
	must(json.Unmarshal(text, &found))
	off := found.gate(nil)
	on := found.gate(map[string]any{"capacity": found.Room})
	full := found.gate(map[string]any{"capacity": 1})
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var received atomic.Uint64
	go func() {
		for range on.Events(ctx, interval) {
			received.Add(1)
		}
	}()
	decisions, times := 0, [3][]float64{}
	for range rounds {
		for at, gate := range []*scopegate.ResourceServer{off, on, full} {
			made, took := found.decide(gate)
			times[at] = append(times[at], float64(took.Nanoseconds())/float64(made))
			if gate == on {
				decisions += made
			}
		}
	}
	events := eventsOf(on)
	if events.Recorded+events.Dropped != uint64(decisions) {
		panic(fmt.Sprintf("%d decisions, %+v", decisions, events))
	}
	for received.Load() != events.Recorded {
		time.Sleep(interval)
	}
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"off_ns": slices.Min(times[0]), "on_ns": slices.Min(times[1]), "full_ns": slices.Min(times[2]),
		"decisions": decisions, "drained": received.Load(), "dropped": events.Dropped,
	}))
}

func (s sample) gate(events map[string]any) *scopegate.ResourceServer {
	config := map[string]any{}
	for name, value := range s.Config {
		config[name] = value
	}
	if events != nil {
		config["events"] = events
	}
	text, err := json.Marshal(config)
	must(err)
	gate, err := scopegate.FromJSON(text)
	must(err)
	return gate
}

type counted struct {
	Recorded, Dropped uint64
}

func eventsOf(gate *scopegate.ResourceServer) counted {
	text, err := gate.Stats()
	must(err)
	var stats struct{ Events counted }
	must(json.Unmarshal(text, &stats))
	return stats.Events
}

func (s sample) decide(gate *scopegate.ResourceServer) (int, time.Duration) {
	request := scopegate.Request{Method: "POST", Target: "/mcp", Authorization: []string{s.Authorization}, Body: []byte(s.Body)}
	made, start := 0, time.Now()
	for time.Since(start) < spell {
		for range 100 {
			_, err := gate.Authorize(context.Background(), request)
			must(err)
		}
		made += 100
	}
	return made, time.Since(start)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
