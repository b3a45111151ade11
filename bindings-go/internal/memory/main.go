// The Go program of tests/memory: memory.rs there says what it reads and writes.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	scopegate "github.com/scopegate/scopegate/bindings-go"
)

func main() {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Scan()
	gate, err := scopegate.FromJSON(lines.Bytes())
	if err != nil {
		return err
	}
	defer gate.Close()
	accepted, refused := 0, 0
	for lines.Scan() {
		line := lines.Text()
		if line == "=" {
			memory, err := resident()
			if err != nil {
				return err
			}
			fmt.Println(accepted, refused, memory)
			continue
		}
		_, err := gate.Authorize(context.Background(), scopegate.Request{Authorization: []string{"Bearer " + line[1:]}})
		if (err == nil) != (line[0] == '+') {
			return fmt.Errorf("%w for %s", err, line)
		}
		if err == nil {
			accepted++
		} else {
			refused++
		}
	}
	return lines.Err()
}

// resident is how many KiB are in memory. Cleanups run after the collection that found them.
func resident() (kib int, err error) {
	for range 3 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	for line := range strings.SplitSeq(string(status), "\n") {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			_, err := fmt.Sscan(value, &kib)
			return kib, err
		}
	}
	return 0, errors.Join(err, errors.New("no VmRSS"))
}
