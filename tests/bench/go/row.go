package main

import (
	"encoding/json"
	"errors"
	"log"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Authorization values that are made beforehand, so that each is a new string and making it is not timed.
const chunk = 64

// A sample is what `bench-rust mint` wrote.
type sample struct {
	Issuer, Audience, Scope, Subject string
	JWKS                             json.RawMessage
	Algorithms                       map[string]*key
}

type key struct {
	JWK      json.RawMessage
	PEM      string
	Forms    map[string]form
	distinct []string
}

type form struct {
	Good   string
	Faulty map[string]string
	Pool   string
}

func readSample(folder string) *sample {
	var found sample
	text, err := os.ReadFile(filepath.Join(folder, "sample.json"))
	if err == nil {
		err = json.Unmarshal(text, &found)
	}
	for _, key := range found.Algorithms {
		var pool []byte
		if err == nil {
			pool, err = os.ReadFile(filepath.Join(folder, key.Forms["at+jwt"].Pool))
		}
		key.distinct = strings.Split(string(pool), "\n")
	}
	if err != nil {
		log.Fatalf("expected what bench-rust mint writes: %v", err)
	}
	return &found
}

// A row is a contender at one algorithm.
type row struct {
	name     string
	kind     string
	check    check
	form     form
	distinct []string
	// How many of the distinct tokens came before, in all threads.
	position atomic.Int64
}

func newRow(contender contender, sample *sample, algorithm string) (*row, error) {
	made, err := contender.make(sample, algorithm)
	key := sample.Algorithms[algorithm]
	return &row{
		name: contender.name, kind: contender.kind, check: made, form: key.Forms["at+jwt"], distinct: key.distinct,
	}, err
}

// Accepts the good token and refuses the forged one; of the other faults, which are refused.
func (r *row) proved() ([]string, error) {
	refuses := []string{}
	if !r.check("Bearer " + r.form.Good) {
		return nil, errors.New("refuses a good token")
	}
	for fault, token := range r.form.Faulty {
		if !r.check("Bearer " + token) {
			refuses = append(refuses, fault)
		} else if fault == "signature" && r.name != "crossing" {
			return nil, errors.New("accepts a forged token")
		}
	}
	return refuses, nil
}

// Nanoseconds of one call; of threads, of all their calls together.
func (r *row) batch(asked asked) float64 {
	threads := 1
	if asked.Lane == "2 threads" {
		threads = 2
	}
	rates := make([]float64, threads)
	var together sync.WaitGroup
	for thread := range rates {
		together.Go(func() { rates[thread] = 1 / r.timed(asked.Workload, asked.Seconds) })
	}
	together.Wait()
	sum := 0.0
	for _, rate := range rates {
		sum += rate
	}
	return 1 / sum
}

func (r *row) timed(workload string, seconds float64) float64 {
	values := make([]string, chunk)
	r.run(workload, values)
	var taken time.Duration
	calls := 0
	for taken.Seconds() < seconds {
		taken += r.run(workload, values)
		calls += chunk
	}
	return float64(taken.Nanoseconds()) / float64(calls)
}

func (r *row) run(workload string, values []string) time.Duration {
	for at := range values {
		values[at] = "Bearer " + r.next(workload, at+1)
	}
	right, start := 0, time.Now()
	for _, value := range values {
		if r.check(value) {
			right++
		}
	}
	taken := time.Since(start)
	if expected := map[bool]int{true: 0, false: chunk}[workload == "refused"]; right != expected {
		log.Fatalf("%s: a wrong verdict", r.name)
	}
	return taken
}

func (r *row) next(workload string, number int) string {
	switch {
	case workload == "cold" || workload == "mixed" && number%20 == 0:
		return r.distinct[r.position.Add(1)%int64(len(r.distinct))]
	case workload == "refused":
		return r.form.Faulty["issuer"]
	}
	return r.form.Good
}
