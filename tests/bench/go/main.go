// Command go proves each contender of Go, says who they are in one line, and then times one batch for each line that
// comes, as run.py asks. Its argument is the folder that `bench-rust mint` wrote.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

type asked struct {
	Contender, Algorithm, Workload, Lane string
	Seconds                              float64
}

// A description is what run.py reads of a contender.
type description struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`
	Refuses   []string `json:"refuses"`
	Lanes     []string `json:"lanes"`
	Package   string   `json:"package,omitempty"`
	Workloads []string `json:"workloads,omitempty"`
	// Every one when there are none here.
	Algorithms []string `json:"algorithms,omitempty"`
}

func main() {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	sample := readSample(os.Args[1])
	rows := map[[2]string]*row{}
	var descriptions []description
	for _, contender := range contenders {
		var refuses []string
		for algorithm := range sample.Algorithms {
			made, err := newRow(contender, sample, algorithm)
			if err == nil {
				refuses, err = made.proved()
			}
			if err != nil {
				log.Fatalf("%s, %s: %v", contender.name, algorithm, err)
			}
			rows[[2]string{contender.name, algorithm}] = made
		}
		descriptions = append(descriptions, contender.described(refuses))
	}
	say(map[string]any{"versions": versions(), "contenders": descriptions})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var asked asked
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			log.Fatal(err)
		}
		say(map[string]float64{"ns": rows[[2]string{asked.Contender, asked.Algorithm}].batch(asked)})
	}
}

func say(answer any) {
	line, err := json.Marshal(answer)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(line))
}

func (c contender) described(refuses []string) description {
	described := description{Name: c.name, Kind: c.kind, Refuses: refuses, Lanes: []string{"1 thread", "2 threads"}}
	switch c.kind {
	case "rival":
		described.Package, _, _ = strings.Cut(c.name, ",")
	case "ours":
		described.Workloads = []string{"hot", "cold", "mixed", "refused"}
	case "piece":
		described.Workloads, described.Lanes = []string{"hot"}, []string{"1 thread"}
	}
	if c.name == "crossing" {
		described.Algorithms = []string{"RS256"}
	}
	return described
}

func versions() map[string]string {
	found := map[string]string{"Go": strings.TrimPrefix(runtime.Version(), "go")}
	built, _ := debug.ReadBuildInfo()
	for _, module := range built.Deps {
		for _, name := range []string{"golang-jwt", "keyfunc", "lestrrat-go/jwx"} {
			if strings.Contains(module.Path, name) {
				found[name] = strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	return found
}
